#pragma once
#include <chrono>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace imagebatch::registry {

/// The value of a header Retry-After (RFC 9110, section 10.2.3): seconds, or a date in the form
/// "Sun, 06 Nov 1994 08:49:37 GMT". Never less than 0; nothing for anything else.
std::optional<std::chrono::seconds> ParseRetryAfter(std::string_view text, Time now);

}  // namespace imagebatch::registry
