#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace imagebatch {

/// "1 build", "2 builds".
inline std::string Counted(size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

}  // namespace imagebatch
