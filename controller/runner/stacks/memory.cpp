#include "runner/stacks/memory.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace imagebatch::runner {

bool Memory::Read(uint64_t address, void* to, size_t size) {
  if (Exhausted()) return false;
  ++reads_;
  bytes_ += size;
  return size == 0 || ReadAt(address, to, size);
}

std::optional<std::string> Memory::Text(uint64_t address, size_t limit) {
  constexpr size_t kPart = 64;
  std::string text;
  std::array<char, kPart> part{};
  while (text.size() <= limit) {
    // Never beyond the end of a line of 64 bytes: the page behind it may not be there.
    const size_t size = kPart - address % kPart;
    if (!Read(address, part.data(), size)) return std::nullopt;
    const size_t length = strnlen(part.data(), size);
    text.append(part.data(), length);
    if (length < size) {
      if (text.size() > limit) return std::nullopt;
      return text;
    }
    address += size;
  }
  return std::nullopt;
}

bool ProcessMemory::ReadAt(uint64_t address, void* to, size_t size) {
  return pread(file_.Get(), to, size, static_cast<off_t>(address)) == static_cast<ssize_t>(size);
}

}  // namespace imagebatch::runner
