#include "base/text_pool.h"

#include <algorithm>

namespace imagebatch {
namespace {

constexpr size_t kPiece = size_t{256} * 1024;  // what is not used of it yet costs no memory

}  // namespace

std::string_view TextPool::Store(std::string_view text) {
  if (text.empty()) return "";
  if (pieces_.empty() || pieces_.back().capacity() - pieces_.back().size() < text.size()) {
    pieces_.emplace_back().reserve(std::max(kPiece, text.size()));
  }
  std::vector<char>& piece = pieces_.back();
  const size_t at = piece.size();
  piece.insert(piece.end(), text.begin(), text.end());
  return {piece.data() + at, text.size()};
}

}  // namespace imagebatch
