#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace imagebatch {

/// Length of the valid UTF-8 sequence (RFC 3629) that begins at byte `at` of `text`; 0 where none does.
size_t Utf8Length(std::string_view text, size_t at);

/// `text` cut to at most `limit` bytes, on a UTF-8 boundary, with "..." as its end where it was cut.
std::string Cut(std::string_view text, size_t limit);

/// Untrusted text made fit for one line of a log, a condition or an Event: control characters and invalid
/// UTF-8 become '?', and the whole is cut to `limit` bytes.
std::string Printable(std::string_view text, size_t limit);

/// Untrusted text in quotes, printable and at most 160 bytes.
std::string Quote(std::string_view text);

/// Whether a JSON text has more than so many objects and arrays within each other. Parsing costs no stack for
/// them, but copying and writing does. Of a text that is no JSON the answer means nothing.
bool NestedDeeper(std::string_view json, size_t levels);

/// `text` as a JSON string without the quotes, for a log line. Invalid UTF-8 becomes U+FFFD.
std::string JsonEscape(std::string_view text);

}  // namespace imagebatch
