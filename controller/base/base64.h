#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagebatch {

/// Standard base64 with padding (RFC 4648, section 4); line breaks are skipped, anything else is an error.
Result<std::string> DecodeBase64(std::string_view text);
/// The way back, without line breaks.
std::string EncodeBase64(std::string_view bytes);

}  // namespace imagebatch
