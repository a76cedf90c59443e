#pragma once
#include <algorithm>
#include <array>
#include <string_view>

#include "contract/contract.h"

namespace imagebatch::cluster {

/// Of a build whose runner, if it has one, gives no sign of life.
inline constexpr std::string_view kUnobservedClass = "Unobserved";

/// The classes of hangs: those that a build's runner finds, and the controller's own.
inline constexpr auto kHangClasses = [] {
  std::array<std::string_view, contract::kClasses.size() + 1> all;
  *std::copy(contract::kClasses.begin(), contract::kClasses.end(), all.begin()) = kUnobservedClass;
  return all;
}();

}  // namespace imagebatch::cluster
