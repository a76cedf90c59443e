#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace imagebatch::kube {

/// Cuts a stream into lines, however its pieces fall. At least SIMDJSON_PADDING bytes after each line may
/// be read, as simdjson needs it.
class LineSplitter {
 public:
  explicit LineSplitter(size_t max_line = 16 << 20) : max_line_(max_line) {}

  /// Takes the next piece of the stream; false once a line has grown beyond `max_line` bytes.
  bool Feed(std::string_view piece);
  /// Moves `line` to the next whole line, without its line feed; false where there is none yet. The line
  /// stays valid until the next Feed. Empty lines are skipped.
  bool Next(std::string_view& line);
  /// What came after the last line feed.
  std::string_view Rest() const;

 private:
  size_t max_line_;
  std::string buffer_;
  size_t consumed_ = 0;  // bytes of buffer_ that have been handed out
  size_t searched_ = 0;  // bytes of buffer_ known to hold no further line feed
  size_t open_ = 0;      // bytes since the last line feed
};

}  // namespace imagebatch::kube
