#include "batch/problems.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace imagebatch::batch {
namespace {

/// Levenshtein distance, of short texts only: names of fields and columns.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<Problem> Problems::Take() {
  if (left_out_ > 0) {
    list_.push_back(
        {whole_, std::to_string(left_out_) + (left_out_ == 1 ? " more problem" : " more problems")});
  }
  left_out_ = 0;
  return std::exchange(list_, {});
}

std::string Listed(const std::vector<std::string_view>& texts) {
  constexpr size_t kMost = 12;
  std::string out;
  for (size_t i = 0; i < texts.size() && i < kMost; ++i) {
    if (i > 0) out += ", ";
    out += Printable(texts[i], 60);
  }
  if (texts.size() > kMost) out += " and " + std::to_string(texts.size() - kMost) + " more";
  return out;
}

std::string DidYouMean(std::string_view text, const std::vector<std::string_view>& known) {
  constexpr size_t kLongest = 60;
  if (text.size() > kLongest) return "";
  std::string_view nearest;
  size_t least = std::min<size_t>(3, (text.size() + 1) / 2);
  for (const std::string_view candidate : known) {
    if (candidate.size() > kLongest) continue;
    const size_t distance = EditDistance(text, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?";
}

}  // namespace imagebatch::batch
