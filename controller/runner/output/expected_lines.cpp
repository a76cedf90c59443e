#include "runner/output/expected_lines.h"

#include <algorithm>
#include <utility>

namespace imagebatch::runner {

ExpectedLines::ExpectedLines(std::vector<Pattern> patterns)
    : patterns_(std::move(patterns)),
      seen_(patterns_.size(), 0),
      wanted_(patterns_.size(), true),
      missing_(patterns_.size()) {}

void ExpectedLines::Add(size_t stream, std::string_view bytes) {
  if (patterns_.empty()) return;
  Stream& of = streams_[stream];
  while (!bytes.empty()) {
    const size_t end = bytes.find_first_of("\n\r");
    const std::string_view piece = bytes.substr(0, end);
    of.open.append(piece.substr(0, kLineBytes - std::min(of.open.size(), kLineBytes)));
    of.grown = of.grown || !piece.empty();
    if (end == std::string_view::npos) return;
    Judge(of.open);
    of.open.clear();
    of.grown = false;
    bytes.remove_prefix(end + 1);
  }
}

void ExpectedLines::Judge(std::string_view line) {
  for (size_t index = 0; missing_ > 0 && index < patterns_.size(); ++index) {
    if (!wanted_[index] || !patterns_[index].IsIn(line)) continue;
    wanted_[index] = false;
    --missing_;
    ++seen_[index];
  }
}

void ExpectedLines::Renew() {
  for (Stream& stream : streams_) {
    if (std::exchange(stream.grown, false)) Judge(stream.open);
  }
  wanted_.assign(patterns_.size(), true);
  missing_ = patterns_.size();
}

}  // namespace imagebatch::runner
