#pragma once
#include <cstddef>
#include <string>

#include "base/result.h"

namespace imagebatch::cli {

/// The text of a file; "-" is the standard input. Fails with the file's name where it cannot be read or has
/// more than `most` bytes.
Result<std::string> ReadAll(const std::string& file, size_t most);

}  // namespace imagebatch::cli
