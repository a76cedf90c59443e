#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace imagebatch {

/// Lists of numbers, all in one piece of memory.
class Lists {
 public:
  /// Adds a list after those that are there.
  void Add(std::span<const uint32_t> list) {
    numbers_.insert(numbers_.end(), list.begin(), list.end());
    ends_.push_back(static_cast<uint32_t>(numbers_.size()));
  }

  /// As many lists: of each list, those that have its number in them. No number is as large as size().
  Lists Inverse() const {
    Lists inverse;
    inverse.numbers_.resize(numbers_.size());
    inverse.ends_.resize(size());
    for (const uint32_t number : numbers_) ++inverse.ends_[number];
    uint32_t begin = 0;  // each list grows from where it begins to its end
    for (uint32_t& end : inverse.ends_) end = std::exchange(begin, begin + end);
    for (uint32_t list = 0; list < size(); ++list) {
      for (const uint32_t number : (*this)[list]) inverse.numbers_[inverse.ends_[number]++] = list;
    }
    return inverse;
  }

  std::span<const uint32_t> operator[](size_t list) const {
    const size_t begin = list == 0 ? 0 : ends_[list - 1];
    return std::span(numbers_).subspan(begin, ends_[list] - begin);
  }
  size_t size() const { return ends_.size(); }

 private:
  std::vector<uint32_t> numbers_;
  std::vector<uint32_t> ends_;  // of each list within numbers_
};

}  // namespace imagebatch
