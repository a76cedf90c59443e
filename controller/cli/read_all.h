#pragma once
#include <string>

#include "base/result.h"

namespace imagebatch::cli {

/// The whole text of a file; "-" is the standard input. Fails, naming the file, where it cannot be read or is
/// larger than `most_bytes`.
Result<std::string> ReadAll(const std::string& file, size_t most_bytes);

}  // namespace imagebatch::cli
