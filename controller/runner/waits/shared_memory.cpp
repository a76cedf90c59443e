#include "runner/waits/shared_memory.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "runner/proc/files.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kLargestMaps = size_t{4} << 20;
constexpr std::string_view kDeleted = " (deleted)";

bool TakeHex(std::string_view& text, char separator, uint64_t& number) {
  const std::string_view word = TakeUntil(text, separator);
  const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), number, 16);
  return error == std::errc() && rest == word.data() + word.size();
}

}  // namespace

std::optional<Mapping> ParseMapping(std::string_view line) {
  Mapping mapping;
  if (!TakeHex(line, '-', mapping.begin) || !TakeHex(line, ' ', mapping.end)) return std::nullopt;
  const std::string_view rights = TakeUntil(line, ' ');
  if (rights.size() != 4) return std::nullopt;
  mapping.writable = rights[1] == 'w';
  mapping.shared = rights[3] == 's';
  TakeUntil(line, ' ');  // offset
  TakeUntil(line, ' ');  // device
  const std::string_view inode = TakeUntil(line, ' ');
  std::from_chars(inode.data(), inode.data() + inode.size(), mapping.inode);
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  mapping.path = line;
  return mapping;
}

std::optional<Mapping> MappingAt(std::string_view maps, uint64_t address) {
  while (!maps.empty()) {
    const auto mapping = ParseMapping(TakeUntil(maps, '\n'));
    if (mapping && mapping->begin <= address && address < mapping->end) return mapping;
  }
  return std::nullopt;
}

bool IsNameless(const Mapping& mapping) {
  return mapping.path.ends_with(kDeleted) && !mapping.path.starts_with("/SYSV");
}

std::string ReadMaps(pid_t pid) {
  std::string maps = ReadWhole(("/proc/" + std::to_string(pid) + "/maps").c_str(), kLargestMaps);
  if (maps.size() == kLargestMaps) maps.clear();
  return maps;
}

SharedMemory::SharedMemory(const Scope& scope) {
  const auto look = [this](pid_t pid, const char* number, std::string_view target) {
    if (!target.ends_with(kDeleted)) return;
    const auto inode = DescriptorInfo(pid, number, "ino:");
    // Kernels before 5.14 do not say which file it is.
    (inode ? users_[*inode] : unreadable_).push_back(pid);
  };
  for (pid_t pid : ForAllDescriptors(scope, look)) unreadable_.push_back(pid);
  for (pid_t pid : scope.processes) {
    const std::string maps = ReadMaps(pid);
    const ProcessStat* member = FindProcess(scope.tree, pid);
    if (maps.empty() && member != nullptr && !IsZombie(*member)) unreadable_.push_back(pid);
    std::string_view text = maps;
    while (!text.empty()) {
      const auto mapping = ParseMapping(TakeUntil(text, '\n'));
      if (mapping && mapping->shared) users_[mapping->inode].push_back(pid);
    }
  }
}

std::vector<int> SharedMemory::Users(uint64_t inode) const {
  const auto found = users_.find(inode);
  if (found == users_.end()) return {};
  std::vector<int> users = found->second;
  users.insert(users.end(), unreadable_.begin(), unreadable_.end());
  return users;
}

}  // namespace imagebatch::runner
