#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hang/line_shape.h"

namespace imagebatch::hang {

/// The hashes of the lines that were last seen: at least the last kHalf different ones, at most twice as
/// many. What is forgotten is new again, so a build that prints without end is never taken for a loop.
class SeenLines {
 public:
  static constexpr size_t kHalf = 16384;

  /// False where it was there already.
  bool Insert(uint64_t hash);

 private:
  /// A hash set that grows with what is in it; its slots are a power of two, 0 is free.
  struct Table {
    std::vector<uint64_t> slots;
    size_t size = 0;

    bool Has(uint64_t hash) const;
    void Put(uint64_t hash);
  };
  Table young_;
  Table old_;
};

/// Reads output and counts when it says something new: a line whose words were not there before, or an amount
/// (see LineShape) larger than the largest its line has had.
///
/// After two new lines the amounts of the others count from where they then are, for a tool draws the same
/// bar for one download after the other. (One new line may be what a loop says between its rounds, when it
/// says it for the first time.) In a loop no new lines come, and a bar that it draws again from the start
/// says nothing.
///
/// Marks are told apart: a counter that grows, and the dots that a test runner adds to an unfinished line. A
/// program that waits or fails counts too, and who reads them must look at the CPU.
///
/// Memory and time are bounded: a piece longer than kPieceBytes is judged in parts, and of what is printed
/// between two Renew() the first kBudgetBytes are read. What is printed so fast is either new somewhere
/// in there, or it is not.
class Novelty {
 public:
  static constexpr size_t kStreams = 2;
  static constexpr size_t kPieceBytes = 4096;
  static constexpr size_t kBudgetBytes = size_t{256} * 1024;
  static constexpr size_t kSubjects = 1024;  // lines with amounts that are remembered

  /// The next bytes of a stream (0: stdout, 1: stderr). Lines end with a newline or a carriage return. The
  /// result does not depend on how the bytes are split.
  void Add(size_t stream, std::string_view bytes);
  /// A new sample period begins.
  void Renew();

  /// How often there was something new so far.
  uint64_t Count() const { return count_; }
  /// How often there was a mark: a whole number of a line larger than all before it, without its being an
  /// amount; or, once in a period, an unfinished line that has grown by ".", "F", "s", "x", "E" alone.
  uint64_t Marks() const { return marks_; }

 private:
  struct Stream {
    std::string open;       // a piece without its end yet
    size_t before = 0;      // how long it was at the last Renew(); 0: it was not there
    bool skipping = false;  // up to the end of a piece whose start was not read
  };
  /// The largest amounts of one subject.
  struct Largest {
    uint64_t seen_at;  // lines_ when they were last seen
    std::array<double, 2 * LineShape::kAmounts> values;
  };
  void Judge(std::string_view piece);
  /// Whether an amount is larger than before; counts marks.
  bool Grown(const LineShape& shape);

  std::array<Stream, kStreams> streams_;
  SeenLines seen_;
  std::unordered_map<uint64_t, Largest> largest_;
  uint64_t lines_ = 0;  // new ones
  uint64_t count_ = 0;
  uint64_t marks_ = 0;
  size_t budget_ = kBudgetBytes;
};

}  // namespace imagebatch::hang
