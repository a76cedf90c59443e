#include "cli/view/table.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace imagebatch::cli {
namespace {

constexpr size_t kMostInCell = 1024;

uint32_t CodePoint(std::string_view text, size_t at, size_t length) {
  uint32_t point = static_cast<unsigned char>(text[at]);
  if (length > 1) point &= 0xFFU >> (length + 1);
  for (size_t i = 1; i < length; ++i) point = point << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3F);
  return point;
}

/// East Asian wide characters and emoji; the few that people meet in names.
bool Wide(uint32_t point) {
  return (point >= 0x1100 && point <= 0x115F) || (point >= 0x2E80 && point <= 0xA4CF) ||
         (point >= 0xAC00 && point <= 0xD7A3) || (point >= 0xF900 && point <= 0xFAFF) ||
         (point >= 0xFE30 && point <= 0xFE6F) || (point >= 0xFF00 && point <= 0xFF60) ||
         (point >= 0x1F300 && point <= 0x1FAFF) || (point >= 0x20000 && point <= 0x3FFFD);
}

/// The bytes of `text` that fit into so many columns, and how many they take.
std::pair<size_t, size_t> Measure(std::string_view text, size_t columns) {
  size_t at = 0, taken = 0;
  while (at < text.size()) {
    const size_t length = std::max<size_t>(1, Utf8Length(text, at));
    const size_t width = Wide(CodePoint(text, at, length)) ? 2 : 1;
    if (taken + width > columns) break;
    taken += width;
    at += length;
  }
  return {at, taken};
}

}  // namespace

size_t Columns(std::string_view text) { return Measure(text, SIZE_MAX).second; }

std::string Fit(std::string_view text, size_t columns) {
  if (Columns(text) <= columns) return std::string(text);
  constexpr std::string_view kCut = "...";
  if (columns <= kCut.size()) return std::string(text.substr(0, Measure(text, columns).first));
  return std::string(text.substr(0, Measure(text, columns - kCut.size()).first)).append(kCut);
}

void Table::Add(const std::vector<std::string>& cells) {
  std::vector<std::string> row;
  row.reserve(rows_.front().size());
  for (const std::string& cell : cells) row.push_back(cell.empty() ? "-" : Printable(cell, kMostInCell));
  row.resize(rows_.front().size(), "-");
  rows_.push_back(std::move(row));
}

std::string Table::Text(size_t indent, size_t columns) const {
  std::vector<size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Columns(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line(indent, ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - Columns(row[i]) + 3, ' ');
    }
    text += (columns == 0 ? line : Fit(line, columns)) + "\n";
  }
  return text;
}

}  // namespace imagebatch::cli
