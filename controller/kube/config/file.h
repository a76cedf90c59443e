#pragma once
#include <filesystem>
#include <string>

#include "base/result.h"

namespace imagebatch::kube {

/// A whole small file; fails where it cannot be read or is larger than `max_bytes`.
Result<std::string> ReadFile(const std::filesystem::path& path, size_t max_bytes);

}  // namespace imagebatch::kube
