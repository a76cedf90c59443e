#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace imagebatch::hang {

/// A number in a line that may grow from one time to the next. No amounts are times, rates ("5 MB/s"),
/// versions, identifiers.
struct Amount {
  enum class Kind {
    Progress,   // a percentage, the first part of a ratio with units ("12.3/40 MB", in bytes)
    BareRatio,  // the first part of "[12/500]", "3 of 20": progress too, unless the line counts attempts
    Size,       // "34.5kB", in bytes, without a total: progress where bytes are what is worked on
    Counter,    // any other whole number: no progress by itself
  };
  Kind kind = Kind::Counter;
  double value = 0;
  double total = 0;  // of a ratio, in the unit of `value`; 100 of a percentage; else 0
};

/// What a line says, for telling whether it was said before.
///
/// Its words count. Set aside are terminal escapes, numbers, times, dates and durations, identifiers (hex of
/// seven digits or more, words that mix letters and digits more than once, names below /tmp), punctuation,
/// and what spinners and progress bars are drawn with: ASCII signs and the symbols of Unicode (arrows, boxes,
/// blocks, Braille, dingbats, emoji). Letters of all scripts count.
struct LineShape {
  static constexpr size_t kAmounts = 4;  // further ones are left out

  uint64_t words = 0;    // a hash of the words
  uint64_t subject = 0;  // a hash of the words and identifiers: what the amounts are of
  bool empty = true;     // it has no words
  std::array<Amount, kAmounts> amounts;
  size_t amount_count = 0;
};

/// One line or one piece of a progress bar up to a carriage return, without its end.
LineShape ShapeOf(std::string_view line);

/// Which amounts of ShapeOf(line) are no progress however they grow, the first one in the lowest bit: gauges
/// (hang/gauge.h), sizes in a line that tells of no transfer, and all amounts of a table of sizes (df, docker
/// stats, a JVM's log of its collector). It depends on the words of a line and on the order of its amounts.
uint8_t GaugesOf(std::string_view line);

/// The bytes of the terminal's escape sequence that `text` begins with; 0 where it begins with none.
size_t EscapeSize(std::string_view text);

}  // namespace imagebatch::hang
