#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagebatch::document {

/// Both parsers stop here; no ImageBatch is a tenth as deep.
inline constexpr size_t kMaxDepth = 128;

/// "line 3, column 7" of byte `offset`; both count from 1, columns in bytes.
std::string Position(std::string_view text, size_t offset);

/// Fails where `text` is longer than `max_bytes`, is not UTF-8, or holds control characters other than tab
/// and line ends. The parsers must never see these: nlohmann takes a NUL, yaml-cpp a 0x04 for the end of the
/// text and both would silently drop the rest.
Result<void> CheckText(std::string_view text, size_t max_bytes);

}  // namespace imagebatch::document
