#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace imagebatch::kube {

/// Keeps of a text that comes in pieces only the lines that hold a word, in bounded memory however much
/// comes: at most kMostKept bytes of such lines, the last ones, and no line longer than kLongestLine. Behind
/// them stands the beginning of the last whole line, so that it is known how far the text went.
class LineFilter {
 public:
  static constexpr size_t kLongestLine = size_t{64} * 1024;
  static constexpr size_t kMostKept = size_t{192} * 1024;  // several of the longest
  static constexpr size_t kBeginning = 128;

  /// `word`: not empty, without a line feed.
  explicit LineFilter(std::string word) : word_(std::move(word)) {}

  void Feed(std::string_view piece);
  /// What is kept, once at the end. A line that was not ended is kept without a line feed, where it holds the
  /// word.
  std::string Take();

  /// Bytes in memory now.
  size_t Held() const { return kept_.capacity() + line_.capacity() + last_.capacity(); }

 private:
  void Append(std::string_view part);
  void EndLine();

  const std::string word_;
  std::string kept_;       // lines with the word, each with its line feed
  std::string line_;       // the open line
  bool too_long_ = false;  // ... and no more of it is kept
  std::string last_;       // the beginning of the last whole line, where that is not kept anyway
};

}  // namespace imagebatch::kube
