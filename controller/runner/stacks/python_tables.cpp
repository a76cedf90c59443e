#include "runner/stacks/python_tables.h"

namespace imagebatch::runner {
namespace {

constexpr int64_t kMostLines = 10'000'000;
constexpr int kNoLine = -128;
constexpr int64_t kUnitBytes = 2;

std::optional<int> Checked(int64_t line) {
  if (line < 0 || line > kMostLines) return std::nullopt;
  return static_cast<int>(line);
}

int64_t Unsigned(std::string_view table, size_t at) { return static_cast<unsigned char>(table[at]); }
int64_t Signed(std::string_view table, size_t at) { return static_cast<signed char>(table[at]); }

/// Pairs of what to add to the offset and then to the line.
std::optional<int> ByIncrements(std::string_view table, int64_t line, int64_t offset) {
  int64_t start = 0;
  for (size_t at = 0; at + 1 < table.size(); at += 2) {
    start += Unsigned(table, at);
    if (start > offset) break;
    line += Signed(table, at + 1);
  }
  return Checked(line);
}

/// Pairs of the length of a range and what its line differs by from the one before.
std::optional<int> ByRanges(std::string_view table, int64_t line, int64_t offset) {
  int64_t end = 0;
  for (size_t at = 0; at + 1 < table.size(); at += 2) {
    const int64_t step = Signed(table, at + 1);
    if (step != kNoLine) line += step;
    end += Unsigned(table, at);
    if (offset < end) return step == kNoLine ? 0 : Checked(line);
  }
  return std::nullopt;
}

/// Takes a number of six bits in each byte, the lowest first; a byte with bit 6 is not the last.
int64_t TakeLowFirst(std::string_view table, size_t& at) {
  constexpr int kLongest = 30;
  int64_t number = 0;
  for (int shift = 0; at < table.size() && shift <= kLongest; shift += 6) {
    const int64_t byte = Unsigned(table, at++);
    number |= (byte & 63) << shift;
    if ((byte & 64) == 0) break;
  }
  return number;
}

std::optional<int> ByLocations(std::string_view table, int64_t line, int64_t offset) {
  constexpr int64_t kNoLocation = 15, kFirstLong = 13, kFirstOneLine = 10;
  int64_t end = 0;
  for (size_t at = 0; at < table.size();) {
    const int64_t first = Unsigned(table, at++);
    if ((first & 128) == 0) return std::nullopt;  // only the first byte of an entry has it
    const int64_t kind = first >> 3 & 15;
    end += ((first & 7) + 1) * kUnitBytes;
    if (kind >= kFirstLong && kind < kNoLocation) {
      const int64_t number = TakeLowFirst(table, at);
      line += (number & 1) != 0 ? -(number >> 1) : number >> 1;
    } else if (kind >= kFirstOneLine && kind < kFirstLong) {
      line += kind - kFirstOneLine;
    }
    if (offset < end) return kind == kNoLocation ? 0 : Checked(line);
    while (at < table.size() && (Unsigned(table, at) & 128) == 0) ++at;
  }
  return std::nullopt;
}

/// Takes a number of six bits in each byte, the highest first.
int64_t TakeHighFirst(std::string_view table, size_t& at) {
  constexpr int kMostBytes = 6;
  int64_t number = 0;
  for (int count = 0; at < table.size() && count < kMostBytes; ++count) {
    const int64_t byte = Unsigned(table, at++);
    number = number << 6 | (byte & 63);
    if ((byte & 64) == 0) break;
  }
  return number;
}

}  // namespace

std::optional<int> LineAt(LineTable kind, std::string_view table, int first_line, int64_t offset) {
  if (offset < 0) return Checked(first_line);  // it has not begun
  switch (kind) {
    case LineTable::Increments:
      return ByIncrements(table, first_line, offset);
    case LineTable::Ranges:
      return ByRanges(table, first_line, offset);
    case LineTable::Locations:
      return ByLocations(table, first_line, offset);
  }
  return std::nullopt;
}

int KeptByHandler(std::string_view exception_table, int64_t offset) {
  constexpr int64_t kDeepest = 1 << 16;
  for (size_t at = 0; at < exception_table.size();) {
    const int64_t start = TakeHighFirst(exception_table, at) * kUnitBytes;
    const int64_t size = TakeHighFirst(exception_table, at) * kUnitBytes;
    TakeHighFirst(exception_table, at);  // the handler
    const int64_t depth = TakeHighFirst(exception_table, at) >> 1;
    if (offset < start || offset >= start + size) continue;
    return depth <= kDeepest ? static_cast<int>(depth) : 0;
  }
  return 0;
}

}  // namespace imagebatch::runner
