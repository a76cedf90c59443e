#pragma once
#include <string_view>
#include <vector>

namespace imagebatch {

/// Texts that are kept as long as the pool, in few large pieces of memory: for what comes by the hundred
/// thousand, where a string each would cost more than its bytes.
class TextPool {
 public:
  TextPool() = default;
  TextPool(TextPool&&) = default;
  TextPool& operator=(TextPool&&) = default;

  /// The same text in the pool. It stays where it is for as long as there is the pool, or one that it was
  /// moved to.
  std::string_view Store(std::string_view text);

 private:
  std::vector<std::vector<char>> pieces_;  // each filled up to its capacity at most, so that it never moves
};

}  // namespace imagebatch
