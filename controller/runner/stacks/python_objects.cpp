#include "runner/stacks/python_objects.h"

#include <cstring>

namespace imagebatch::runner {
namespace {

constexpr size_t kNameBytes = 32;

void AppendUtf8(uint32_t c, std::string& text) {
  const auto tail = [c](unsigned shift) { return static_cast<char>(0x80 | (c >> shift & 63)); };
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | c >> 6);
    text += tail(0);
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | c >> 12);
    text += tail(6);
    text += tail(0);
  } else {
    text += static_cast<char>(0xF0 | c >> 18);
    text += tail(12);
    text += tail(6);
    text += tail(0);
  }
}

}  // namespace

bool PythonObjects::Is(uint64_t object, uint64_t type) const {
  return object != 0 && type != 0 && memory_.Word(object + kTypeAt) == type;
}

std::optional<std::string> PythonObjects::Text(uint64_t object, size_t limit) const {
  struct {
    uint64_t references, type, length, hash;
    uint32_t state, padding;
  } head{};
  if (object == 0 || !memory_.Read(object, &head, sizeof head) || head.type != types_.text)
    return std::nullopt;
  const uint32_t kind = head.state >> 2 & 7;  // bytes of a character
  const bool compact = (head.state >> 5 & 1) != 0;
  const bool ascii = (head.state >> 6 & 1) != 0;
  if (!compact || head.length > limit || (kind != 1 && kind != 2 && kind != 4)) return std::nullopt;
  if (ascii && kind != 1) return std::nullopt;
  std::string raw(head.length * kind, '\0');
  const uint64_t data = object + (ascii ? layout_.ascii_data : layout_.other_data);
  if (!memory_.Read(data, raw.data(), raw.size())) return std::nullopt;
  if (ascii) return raw;
  std::string text;
  for (size_t at = 0; at < raw.size(); at += kind) {
    uint32_t c = 0;
    memcpy(&c, raw.data() + at, kind);  // both are little-endian
    if (c > 0x10FFFF) return std::nullopt;
    AppendUtf8(c, text);
  }
  return text;
}

std::optional<uint64_t> PythonObjects::ByteCount(uint64_t object) const {
  if (!Is(object, types_.bytes)) return std::nullopt;
  return memory_.Get<uint64_t>(object + kSizeAt);
}

std::optional<std::string> PythonObjects::Bytes(uint64_t object, size_t limit) const {
  constexpr uint64_t kData = 32;  // behind the size and the hash
  const auto size = ByteCount(object);
  if (!size || *size > limit) return std::nullopt;
  std::string bytes(*size, '\0');
  if (!memory_.Read(object + kData, bytes.data(), bytes.size())) return std::nullopt;
  return bytes;
}

uint64_t PythonObjects::SelfOfBuiltin(uint64_t object, const char* name) const {
  struct {
    uint64_t references, type, definition, self;
  } method{};
  if (object == 0 || !memory_.Read(object, &method, sizeof method)) return 0;
  if (types_.builtin == 0 || method.type != types_.builtin) return 0;
  if (name != nullptr && memory_.Text(memory_.Word(method.definition), kNameBytes) != name) return 0;
  return method.self;
}

std::string PythonObjects::TypeName(uint64_t object) const {
  constexpr uint64_t kNameAt = 24;  // tp_name
  const uint64_t type = memory_.Word(object + kTypeAt);
  if (type == 0) return {};
  return memory_.Text(memory_.Word(type + kNameAt), kNameBytes).value_or("");
}

}  // namespace imagebatch::runner
