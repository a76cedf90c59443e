#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hang/line_shape.h"
#include "hang/line_template.h"
#include "hang/pace.h"
#include "hang/verdict.h"

namespace imagebatch::hang {

/// The hashes of the lines that were last seen: at least the last `half` different ones, at most twice as
/// many. What is forgotten is new again, so a build that prints without end is never taken for a loop.
class SeenLines {
 public:
  static constexpr size_t kHalf = 16384;

  explicit SeenLines(size_t half = kHalf) : half_(half) {}

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
  size_t half_;
  Table young_;
  Table old_;
};

/// A line that came again and again.
struct RepeatedLine {
  std::string text;  // as it came last, the first kBytes of it; as found, not escaped
  uint64_t times = 0;
  TimePoint first, last;
};

/// Counts the lines that come again: those of the last kLines kinds.
class Repeats {
 public:
  static constexpr size_t kLines = 32;
  static constexpr size_t kBytes = 240;

  /// A line of kind `key` has come.
  void Add(uint64_t key, std::string_view line, TimePoint now);
  /// There was more than is counted.
  void Miss(TimePoint now) { missed_ = now; }

  struct Cycle {
    std::vector<RepeatedLine> lines;  // the most frequent first
    bool at_least = false;            // there was more of them than was counted
  };
  /// The lines that came more than once and at or after `since`.
  Cycle Since(TimePoint since) const;

 private:
  struct Line {
    uint64_t key = 0;
    RepeatedLine seen;
  };
  std::vector<Line> lines_;
  TimePoint missed_;     // when there last was more than is counted
  TimePoint forgotten_;  // when a line that came last had to make room
};

/// What was said so far; each only grows.
struct Said {
  uint64_t news = 0;    // how often there was something new
  uint64_t doubts = 0;  // how often there was something that is new unless it turns out to be drawn at random
  uint64_t withdrawals = 0;  // how often that turned out: then no doubt so far was news
  uint64_t marks = 0;        // how often a counter grew whose pace is not that of a clock
  uint64_t ticks = 0;        // how often a counter grew that may be a clock; a dot is a counter, too
};

/// Reads output and counts when it says something new: a line whose words were not there before, or an amount
/// (see LineShape) larger than the largest its line has had, and nearer to its total. A line that differs
/// from others in what is drawn at random says nothing new (hang/line_template.h).
///
/// After two new lines the amounts of the others count from where they then are, for a tool draws the same
/// bar for one download after the other. (One new line may be what a loop says between its rounds, when it
/// says it for the first time.) In a loop no new lines come, and a bar that it draws again from the start
/// says nothing.
///
/// A line that is not ended yet is read, too: each of its words that is whole and was not there before is
/// new.
///
/// Marks and ticks are told apart from news: a counter that grows, a ratio whose total moves away, and the
/// dots that a test runner adds to an unfinished line. A program that waits or fails counts too, and who
/// reads them must look at the CPU.
///
/// Memory and time are bounded: a piece longer than kPieceBytes is judged in parts; of what is printed
/// between two Renew() the first kBudgetBytes are read, and the first kNewLines that were not there before.
/// What is printed so fast is either new somewhere in there, or it is not.
class Novelty {
 public:
  static constexpr size_t kStreams = 2;
  static constexpr size_t kPieceBytes = 4096;
  static constexpr size_t kBudgetBytes = size_t{256} * 1024;
  static constexpr size_t kNewLines = 128;
  static constexpr size_t kSubjects = 1024;  // lines with amounts that are remembered
  static constexpr size_t kCounters = 256;   // counters whose pace is remembered

  /// The next bytes of a stream (0: stdout, 1: stderr), read at `now`. Lines end with a newline or a carriage
  /// return. The result does not depend on how the bytes are split.
  void Add(size_t stream, std::string_view bytes, TimePoint now);
  /// A new sample period begins.
  void Renew(TimePoint now);

  const Said& So() const { return said_; }
  /// The lines that come again. Those that differ in what is drawn at random are one.
  const Repeats& Repeated() const { return repeats_; }

 private:
  struct Stream {
    std::string open;       // a piece without its end yet
    size_t before = 0;      // how long it was at the last Renew(); 0: it was not there
    size_t read = 0;        // so much of it was read word by word
    bool skipping = false;  // up to the end of a piece whose start was not read
    double dots = 0;        // in all
    Pace pace;              // of the dots
  };
  /// The largest amounts of one subject.
  struct Largest {
    uint64_t seen_at;    // lines_ when they were last seen
    uint8_t gauges = 0;  // see GaugesOf()
    std::array<double, 2 * LineShape::kAmounts> values;
    struct Left {
      double total, least;  // that was missing from it
    };
    std::array<Left, LineShape::kAmounts> left;
  };
  /// `whole`: a line, not a word of one.
  void Judge(std::string_view piece, TimePoint now, bool whole = true);
  /// Whether an amount is larger than before; counts marks and ticks.
  bool Grown(const LineShape& shape, std::string_view piece, TimePoint now);
  void ReadOpen(Stream& of, TimePoint now);
  void Tick(Pace& pace, double value, TimePoint now);
  Pace& PaceOf(uint64_t subject, size_t place);

  std::array<Stream, kStreams> streams_;
  SeenLines seen_;
  LineTemplates templates_;
  Repeats repeats_;
  std::unordered_map<uint64_t, Largest> largest_;
  std::unordered_map<uint64_t, Pace> paces_;
  uint64_t lines_ = 0;  // new ones
  Said said_;
  size_t budget_ = kBudgetBytes;
  size_t new_lines_left_ = kNewLines;
};

}  // namespace imagebatch::hang
