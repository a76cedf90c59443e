#pragma once
#include <string>

#include "report/picture.h"

namespace imagebatch::report {

/// What page.js draws the list of builds from, as one JSON object, compact: `stages`, `reasons` and `hangs`
/// are texts; `names` are those of the builds, and `rows` has 9 numbers for each: stage, outcome (0 built, 1
/// skipped, 2 failed, 3 failed while it hung), lane (-1: no bar), begin and length in tenths of a second,
/// tenths of a second that its attempts ran (-1: not known), attempts, reason and hang (-1: none). `length`,
/// `middles` (of the lanes, in pixels), `pitch` and `start` (RFC 3339) describe the picture. Names are cut so
/// that all of it takes at most `room` bytes in the page, but never below kLeastNameBytes.
std::string PageData(const Report& report, const Picture& picture, size_t room);

inline constexpr size_t kLeastNameBytes = 24;

}  // namespace imagebatch::report
