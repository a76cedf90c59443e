#pragma once
#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "batch/read.h"
#include "batch/types.h"

namespace imagebatch::batch {

/// Collects what is wrong with one input, and keeps the list short however broken the input is.
class Problems {
 public:
  /// `whole` names the input in the line that says how many problems are not listed.
  explicit Problems(std::string whole) : whole_(std::move(whole)) {}

  void Add(std::string where, std::string message) {
    Add([&] { return Problem{std::move(where), std::move(message)}; });
  }
  /// For what may be wrong a million times, or is dear to say: `make` gives the Problem, and is called only
  /// where it is kept.
  template <std::invocable Make>
  void Add(Make make) {
    if (list_.size() < kMaxProblems) {
      list_.push_back(make());
    } else {
      ++left_out_;
    }
  }
  /// No more is kept: what is added now is only counted.
  bool Full() const { return list_.size() >= kMaxProblems; }
  bool Empty() const { return list_.empty(); }
  /// The first kMaxProblems and, where there were more, one that says how many.
  std::vector<Problem> Take();

 private:
  std::string whole_;
  std::vector<Problem> list_;
  size_t left_out_ = 0;
};

/// The texts one after another with ", " between them, at most 12 of them.
std::string Listed(const std::vector<std::string_view>& texts);

/// `; did you mean X?` where one of `known` is at most two edits away from `text`, else nothing.
std::string DidYouMean(std::string_view text, const std::vector<std::string_view>& known);

}  // namespace imagebatch::batch
