#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace imagebatch::plan {

/// A set of numbers below a bound, in a bit each.
class NumberSet {
 public:
  explicit NumberSet(size_t bound) : words_(bound / kBits + 1), taken_(words_.size() / kBits + 1) {}

  void Insert(uint32_t number) {
    words_[number / kBits] |= Bit(number);
    taken_[number / kBits / kBits] |= Bit(number / kBits);
  }
  void Erase(uint32_t number) {
    words_[number / kBits] &= ~Bit(number);
    if (words_[number / kBits] == 0) taken_[number / kBits / kBits] &= ~Bit(number / kBits);
  }

  bool Empty() const { return FirstTaken() == taken_.size(); }
  /// The smallest; there must be one. Looks at one word for every 4096 numbers below it.
  uint32_t First() const {
    const size_t i = FirstTaken();
    const size_t word = i * kBits + Lowest(taken_[i]);
    return static_cast<uint32_t>(word * kBits + Lowest(words_[word]));
  }

 private:
  static constexpr uint32_t kBits = 64;
  static uint64_t Bit(uint32_t number) { return uint64_t{1} << (number % kBits); }
  static size_t Lowest(uint64_t word) { return static_cast<size_t>(std::countr_zero(word)); }
  size_t FirstTaken() const {
    size_t i = 0;
    while (i < taken_.size() && taken_[i] == 0) ++i;
    return i;
  }

  std::vector<uint64_t> words_;
  std::vector<uint64_t> taken_;  // a bit for every word that is not 0
};

}  // namespace imagebatch::plan
