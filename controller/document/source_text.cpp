#include "document/source_text.h"

#include <algorithm>

#include "base/text.h"

namespace imagebatch::document {

std::string Position(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return "line " + std::to_string(lines + 1) + ", column " + std::to_string(before.size() - line_start + 1);
}

Result<void> CheckText(std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return Fail("is " + std::to_string(text.size()) + " bytes, at most " + std::to_string(max_bytes) +
                " are read");
  }
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte < 0x7F) {  // by far the most of it
      ++i;
      continue;
    }
    const size_t length = Utf8Length(text, i);
    if (length == 0) return Fail(Position(text, i) + ": is not UTF-8");
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
      return Fail(Position(text, i) + ": holds a control character (byte " + std::to_string(byte) + ")");
    }
    i += length;
  }
  return {};
}

}  // namespace imagebatch::document
