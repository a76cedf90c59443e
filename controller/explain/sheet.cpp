#include "explain/sheet.h"

#include <algorithm>

#include "base/text.h"

namespace imagebatch::explain {
namespace {

constexpr size_t kMostBytes = 2000;  // of one text

/// How much of `text` fits into `columns`: up to a space where there is one, never within a character.
size_t Fitting(std::string_view text, size_t columns) {
  if (text.size() <= columns) return text.size();
  const size_t space = text.rfind(' ', columns);
  if (space != std::string_view::npos && space > 0) return space;
  size_t end = columns;
  while (end > 1 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end;
}

}  // namespace

void Sheet::Add(size_t indent, std::string_view text) {
  const std::string printable = Printable(text, kMostBytes);
  std::string_view rest = printable;
  size_t margin = indent;
  do {
    const size_t length = Fitting(rest, columns_ - margin);
    lines_.push_back(std::string(margin, ' ') + std::string(rest.substr(0, length)));
    rest.remove_prefix(length);
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    margin = indent + 2;
  } while (!rest.empty());
}

void Sheet::AddCut(size_t indent, std::string_view text) {
  lines_.push_back(std::string(indent, ' ') + Printable(text, columns_ - indent));
}

std::string Sheet::Text(size_t most) const {
  std::string text;
  const size_t shown = lines_.size() <= most ? lines_.size() : most - 1;
  for (size_t line = 0; line < shown; ++line) text += lines_[line] + "\n";
  if (shown < lines_.size()) text += "(" + std::to_string(lines_.size() - shown) + " more lines)\n";
  return text;
}

}  // namespace imagebatch::explain
