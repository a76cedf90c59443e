#include "base/percent_encode.h"

namespace imagebatch {

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved)
      out.push_back(c);
    else
      out.append({'%', kHex[byte >> 4], kHex[byte & 0xF]});
  }
  return out;
}

}  // namespace imagebatch
