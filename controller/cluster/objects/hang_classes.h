#pragma once
#include <array>
#include <span>
#include <string_view>

namespace imagebatch::cluster {

/// The classes of hangs, those that a build's runner finds (hang::Name of each hang::Class) first.
inline constexpr std::array<std::string_view, 6> kHangClasses = {"Deadlock", "Idle",     "Busy",
                                                                 "Looping",  "Deadline", "Unobserved"};
inline constexpr auto kRunnerClasses = std::span(kHangClasses).first<5>();

}  // namespace imagebatch::cluster
