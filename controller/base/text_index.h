#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace imagebatch {

/// Finds the number of a text, where numbered texts are kept elsewhere: an open hash table of the numbers
/// alone, for what comes by the hundred thousand.
class TextIndex {
 public:
  /// The number that was added with this text. `text_of(number)` is the text of each that was added.
  template <class TextOf>
  std::optional<uint32_t> Find(std::string_view text, const TextOf& text_of) const {
    if (slots_.empty()) return std::nullopt;
    const uint32_t found = slots_[SlotOf(text, text_of)];
    return found == kFree ? std::nullopt : std::optional(found);
  }

  /// `number` is not the largest uint32_t, and its text is not there yet.
  template <class TextOf>
  void Add(uint32_t number, const TextOf& text_of) {
    if (2 * (size_ + 1) > slots_.size()) Grow(text_of);
    slots_[SlotOf(text_of(number), text_of)] = number;
    ++size_;
  }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;

  /// Where the text is, or where it would go.
  template <class TextOf>
  size_t SlotOf(std::string_view text, const TextOf& text_of) const {
    const size_t mask = slots_.size() - 1;
    size_t slot = std::hash<std::string_view>()(text) & mask;
    while (slots_[slot] != kFree && text_of(slots_[slot]) != text) slot = (slot + 1) & mask;
    return slot;
  }

  template <class TextOf>
  void Grow(const TextOf& text_of) {
    const std::vector<uint32_t> before = std::exchange(slots_, {});
    slots_.assign(before.empty() ? 8 : 2 * before.size(), kFree);
    for (const uint32_t number : before) {
      if (number != kFree) slots_[SlotOf(text_of(number), text_of)] = number;
    }
  }

  std::vector<uint32_t> slots_;  // a power of two of them, at most half of them taken
  size_t size_ = 0;
};

}  // namespace imagebatch
