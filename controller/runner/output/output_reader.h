#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hang/novelty.h"
#include "pattern/pattern.h"
#include "runner/output/expected_lines.h"
#include "runner/output/line_tail.h"
#include "runner/output/raw_progress.h"

namespace imagebatch::runner {

/// Reads what the command writes: for its last lines and phases (LineTail) and for what it says that is new.
/// Lines of BuildKit's rawjson are read as the lines of plain progress that they stand for. The result does
/// not depend on how the bytes are split.
class OutputReader {
 public:
  /// So much of rawjson is read between two Renew(), lines that begin with vertexes aside: logs may come
  /// faster than they can be parsed without holding the build up.
  static constexpr size_t kRawBudgetBytes = size_t{1024} * 1024;

  /// `expected`: patterns of lines that are to come (--expect).
  explicit OutputReader(std::vector<Pattern> expected = {}) : expected_(std::move(expected)) {}

  /// The next bytes of a stream (0: stdout, 1: stderr).
  void Add(size_t stream, std::string_view bytes, hang::TimePoint now);
  /// A new sample period begins.
  void Renew(hang::TimePoint now);

  const LineTail& Tail() const { return tail_; }
  /// What it said so far.
  const hang::Said& Said() const { return novelty_.So(); }
  /// The lines that come again.
  const hang::Repeats& Repeated() const { return novelty_.Repeated(); }
  /// See ExpectedLines::Seen().
  const std::vector<uint64_t>& Signs() const { return expected_.Seen(); }

 private:
  enum class Line { Undecided, Plain, Raw };
  struct Stream {
    Line line = Line::Undecided;
    std::string open;  // the start of an undecided line, or all of a raw one
  };
  void AddPlain(size_t stream, std::string_view bytes, hang::TimePoint now);
  void EndRaw(size_t stream, hang::TimePoint now);

  std::array<Stream, LineTail::kStreams> streams_;
  LineTail tail_;
  hang::Novelty novelty_;
  ExpectedLines expected_;
  RawProgress raw_;
  size_t raw_budget_ = kRawBudgetBytes;
};

}  // namespace imagebatch::runner
