#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace imagebatch::cli {

/// How long something has lasted as kubectl writes it: 45s, 12m, 3h5m, 2d4h. A negative one is 0s.
std::string Span(Duration span);

/// A length of time as people give it: 90s, 30m, 2h, 1h30m, 500ms, 0. Nothing for anything else, or for more
/// than a year.
std::optional<Duration> ParseSpan(std::string_view text);

}  // namespace imagebatch::cli
