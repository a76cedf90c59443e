#pragma once
#include <string>
#include <string_view>

namespace imagebatch {

/// `text` with all but the unreserved characters of RFC 3986 percent-encoded, as a part of a URL.
std::string PercentEncode(std::string_view text);

}  // namespace imagebatch
