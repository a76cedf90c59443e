#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace imagebatch {

/// A regular expression of RE2 (https://github.com/google/re2/wiki/Syntax), which matches in time linear in
/// the text, whatever the expression: it is written by whoever writes a batch, and reads what a build prints.
/// Upper and lower case differ; `.` is one character of UTF-8.
class Pattern {
 public:
  static constexpr size_t kMostBytes = 256;  // of its text

  /// Says what is wrong with `text`, and where, if it is no expression, is longer than kMostBytes, needs more
  /// memory than a small program can give (`\pL{1000}`), or would match everything because it is empty.
  static Result<Pattern> Compile(std::string_view text);

  /// Somewhere in `line`; anchors are its ends.
  bool IsIn(std::string_view line) const;
  const std::string& text() const;

 private:
  explicit Pattern(std::shared_ptr<const re2::RE2> expression);

  std::shared_ptr<const re2::RE2> expression_;
};

}  // namespace imagebatch
