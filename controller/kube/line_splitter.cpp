#include "kube/line_splitter.h"

#include <simdjson.h>

namespace imagebatch::kube {
namespace {

constexpr size_t kKeptCapacity = 1 << 20;  // a buffer that one long line has blown up is given back

}  // namespace

bool LineSplitter::Feed(std::string_view piece) {
  buffer_.erase(0, consumed_);
  searched_ -= consumed_;
  consumed_ = 0;
  const size_t needed = buffer_.size() + piece.size() + simdjson::SIMDJSON_PADDING;
  if (needed < kKeptCapacity && buffer_.capacity() > 2 * kKeptCapacity) buffer_.shrink_to_fit();
  // Doubled here, because reserve alone would grow to exactly what each piece needs
  if (needed > buffer_.capacity()) buffer_.reserve(std::max(needed, 2 * buffer_.capacity()));
  buffer_.append(piece);
  const size_t last_line_feed = piece.rfind('\n');
  open_ = last_line_feed == std::string_view::npos ? open_ + piece.size() : piece.size() - last_line_feed - 1;
  return open_ <= max_line_;
}

bool LineSplitter::Next(std::string_view& line) {
  while (true) {
    const size_t end = buffer_.find('\n', searched_);
    if (end == std::string::npos) {
      searched_ = buffer_.size();
      return false;
    }
    line = std::string_view(buffer_).substr(consumed_, end - consumed_);
    consumed_ = searched_ = end + 1;
    if (!line.empty()) return true;
  }
}

std::string_view LineSplitter::Rest() const { return std::string_view(buffer_).substr(consumed_); }

}  // namespace imagebatch::kube
