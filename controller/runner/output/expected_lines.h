#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pattern/pattern.h"
#include "runner/output/line_tail.h"

namespace imagebatch::runner {

/// Looks in a build's output for the lines that its user expects (--expect). A pattern that was seen is not
/// looked for again before the next sample, so that output at full speed costs next to nothing.
class ExpectedLines {
 public:
  static constexpr size_t kLineBytes = 4096;  // the rest of a longer line is not looked at

  explicit ExpectedLines(std::vector<Pattern> patterns);

  /// The next bytes of a stream (0: stdout, 1: stderr). Lines end with a newline or a carriage return. The
  /// result does not depend on how the bytes are split.
  void Add(size_t stream, std::string_view bytes);
  /// A sample period ends, in which a line without its end counts as it is if it has grown, and a new one
  /// begins.
  void Renew();

  /// For each pattern, in their order: in how many periods it was seen.
  const std::vector<uint64_t>& Seen() const { return seen_; }

 private:
  struct Stream {
    std::string open;  // a line without its end yet, up to kLineBytes
    bool grown = false;
  };
  void Judge(std::string_view line);

  std::vector<Pattern> patterns_;
  std::vector<uint64_t> seen_;
  std::vector<bool> wanted_;  // not seen in this period yet
  size_t missing_;            // how many of them
  std::array<Stream, LineTail::kStreams> streams_;
};

}  // namespace imagebatch::runner
