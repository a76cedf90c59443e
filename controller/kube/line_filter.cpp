#include "kube/line_filter.h"

#include <algorithm>
#include <utility>

namespace imagebatch::kube {

void LineFilter::Feed(std::string_view piece) {
  while (!piece.empty()) {
    const size_t end = piece.find('\n');
    Append(piece.substr(0, end));
    if (end == std::string_view::npos) return;
    EndLine();
    piece.remove_prefix(end + 1);
  }
}

void LineFilter::Append(std::string_view part) {
  if (too_long_) return;
  if (line_.size() + part.size() > kLongestLine) {
    too_long_ = true;
    line_.append(part.substr(0, kBeginning));
    line_.resize(std::min(line_.size(), kBeginning));
    line_.shrink_to_fit();
    return;
  }
  line_.append(part);
}

void LineFilter::EndLine() {
  if (!too_long_ && line_.find(word_) != std::string::npos) {
    kept_.append(line_).append("\n");
    last_.clear();
    if (kept_.size() > kMostKept) kept_.erase(0, kept_.find('\n', kept_.size() - kMostKept / 2) + 1);
  } else {
    last_.assign(line_, 0, kBeginning);
  }
  line_.clear();
  too_long_ = false;
}

std::string LineFilter::Take() {
  std::string text = std::exchange(kept_, {});
  if (!last_.empty()) text.append(last_).append("\n");
  if (!too_long_ && line_.find(word_) != std::string::npos) text.append(line_);
  return text;
}

}  // namespace imagebatch::kube
