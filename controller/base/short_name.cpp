#include "base/short_name.h"

#include <algorithm>

namespace imagebatch {
namespace {

constexpr std::string_view kMark = "...";

bool IsOption(std::string_view word) { return word.starts_with('-'); }

/// What a path ends with; an option, and an address with its "://", stay as they are.
std::string_view LastPart(std::string_view word) {
  if (IsOption(word) || word.find("://") != std::string_view::npos) return word;
  while (word.size() > 1 && word.ends_with('/')) word.remove_suffix(1);
  const size_t slash = word.rfind('/');
  return slash == std::string_view::npos || slash + 1 == word.size() ? word : word.substr(slash + 1);
}

}  // namespace

std::string PathTail(std::string_view path, size_t limit) {
  if (path.size() <= limit) return std::string(path);
  size_t start = path.size() - (limit - std::min(limit, kMark.size()));
  while (start < path.size() && (static_cast<unsigned char>(path[start]) & 0xC0) == 0x80) ++start;
  return std::string(kMark.substr(0, limit)).append(path.substr(start));
}

std::string ShortCommand(std::string_view command, size_t limit) {
  constexpr size_t kLeastName = 8;
  std::string text;
  bool script_named = false;
  for (bool first = true; !command.empty(); first = false) {
    const size_t end = std::min(command.find(' '), command.size());
    std::string_view word = LastPart(command.substr(0, end));
    command.remove_prefix(std::min(end + 1, command.size()));
    if (word.empty()) continue;
    const size_t taken = text.empty() ? 0 : text.size() + 1;
    // Room for the mark, where more would follow.
    const size_t room = limit - std::min(limit, taken + (command.empty() ? 0 : kMark.size() + 1));
    if (!text.empty()) text += ' ';
    if (word.size() <= room) {
      text += word;
    } else if (first || (!script_named && !IsOption(word) && room >= kLeastName)) {
      text += PathTail(word, room);
    } else {
      text += kMark;
      break;
    }
    if (!first && !IsOption(word)) script_named = true;
  }
  return text;
}

}  // namespace imagebatch
