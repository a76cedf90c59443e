#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace imagebatch::report {

/// Untrusted text as one line of at most `limit` bytes: as Printable, and marks that turn the direction of
/// what follows (U+202E and its kind) become '?', or a name could read as another.
std::string OneLine(std::string_view text, size_t limit);
/// The same for text of many lines, whose newlines stay.
std::string ManyLines(std::string_view text, size_t limit);

/// `text` for HTML, within an element or a quoted attribute.
std::string Html(std::string_view text);

/// `text` for GitHub's and GitLab's Markdown, within a line or a cell of a table: nothing in it is markup, a
/// link, a mention or the number of an issue.
std::string Markdown(std::string_view text);

/// JSON that may stand in a <script> of a page: no '<', and no separator that ends a line of JavaScript.
std::string JsonForHtml(std::string_view json);

/// "12s", "3m 05s", "2h 03m 05s"; "n/a" where there is none.
std::string Span(std::optional<double> seconds);

/// RFC 3339 in UTC as Python's datetime.isoformat writes it and every version of fromisoformat reads it:
/// 2026-01-02T03:04:05+00:00, with milliseconds where there are any.
std::string IsoTime(Time time);

}  // namespace imagebatch::report
