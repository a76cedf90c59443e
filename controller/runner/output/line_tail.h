#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hang/phase.h"

namespace imagebatch::runner {

/// Splits what the command writes into lines, keeps the last of them for the evidence, and reads the phases
/// from them. Memory is bounded, whatever the lines are like.
class LineTail {
 public:
  static constexpr size_t kLines = 20;       // that Last() returns
  static constexpr size_t kLinesKept = 64;   // that Since() returns
  static constexpr size_t kLineBytes = 200;  // the rest of a longer line is dropped
  static constexpr size_t kStreams = 2;

  /// The next bytes of a stream (0: stdout, 1: stderr).
  void Add(size_t stream, std::string_view bytes, hang::TimePoint now);

  /// The last lines, oldest first; a line without its end yet included.
  std::vector<std::string> Last() const;
  /// The whole lines that ended after `time`, oldest first; where there are none, what stands in lines
  /// without their end yet.
  std::vector<std::string> Since(hang::TimePoint time) const;
  /// How many whole lines there were.
  uint64_t Lines() const { return count_; }
  /// The last whole line; empty where there is none.
  std::string_view LastLine() const { return lines_[(next_ + kLinesKept - 1) % kLinesKept]; }
  const hang::PhaseLog& Phases() const { return phases_; }

 private:
  void Extend(std::string& line, std::string_view bytes);
  void Complete(const std::string& line, hang::TimePoint now);

  std::array<std::string, kStreams> open_;
  std::array<std::string, kLinesKept> lines_;  // a ring: the oldest is at next_
  std::array<hang::TimePoint, kLinesKept> ended_;
  size_t next_ = 0;
  uint64_t count_ = 0;
  hang::PhaseLog phases_;
};

}  // namespace imagebatch::runner
