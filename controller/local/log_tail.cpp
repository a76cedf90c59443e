#include "local/log_tail.h"

#include <vector>

#include "base/mask.h"
#include "base/text.h"

namespace imagebatch::local {
namespace {

constexpr size_t kLineBytes = size_t{16} * 1024;

void Hide(std::string& text, std::string_view secret) {
  if (secret.empty()) return;
  for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos;)
    text.replace(at, secret.size(), "***");
}

/// Takes the first line off `text`.
std::string_view TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace

std::string LogTail(std::string_view log, std::string_view marker) {
  std::string tail;
  while (!log.empty()) {
    std::string line = MaskSecrets(TakeLine(log));
    Hide(line, marker);
    tail += Printable(line, kLineBytes) + "\n";
  }
  return tail;
}

std::string LastLines(std::string_view text, size_t most) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    if (!line.starts_with("{\"imagebatch\":")) lines.push_back(line);
  }
  std::string last;
  for (auto line = lines.rbegin(); line != lines.rend() && last.size() + line->size() < most; ++line)
    last.insert(0, std::string(*line) + "\n");
  return last;
}

}  // namespace imagebatch::local
