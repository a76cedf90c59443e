#pragma once
#include <string_view>

namespace imagebatch::hang {

/// How much longer than usual a build may be quiet.
struct Patience {
  int factor = 1;             // the idle and the silent limit are multiplied by it
  std::string_view activity;  // what is often quiet, in our own words; empty where the factor is 1
};

/// Exports, pushes and prunes move gigabytes inside a daemon that the process tree may not contain, and dpkg
/// runs scripts that say nothing: healthy ones are quiet for minutes. `phase` is the name of the current
/// phase (hang/phase.h), `last_line` the last line of output; either may be empty, and neither is trusted.
Patience PatienceOf(std::string_view phase, std::string_view last_line);

}  // namespace imagebatch::hang
