#pragma once
#include <span>
#include <string_view>

namespace imagebatch::hang {

/// How much longer than usual a build may be quiet.
struct Patience {
  int factor = 1;             // the idle and the silent limit are multiplied by it
  std::string_view activity;  // what is often quiet, in our own words; empty where the factor is 1
};

/// Images that are pulled, unpacked, exported and pushed, and prunes, move gigabytes inside a daemon that the
/// process tree may not contain, and dpkg runs scripts that say nothing: healthy ones are quiet for minutes.
/// One table says what is known to be so, each row with its source. `phase` is the name of the current phase
/// (hang/phase.h), `last_line` the last line of output; either may be empty, and neither is trusted.
/// `command` is what QuietCommand() says of a process of the tree, empty for none.
Patience PatienceOf(std::string_view phase, std::string_view last_line, std::string_view command = {});

/// What the command line of a process does, where that is known to be quiet, in our own words; else empty.
/// Options before the words that tell are passed over, and an interpreter before the program.
std::string_view QuietCommand(std::span<const std::string_view> arguments);

/// Whether it is a program in or below which steps of a build run. A client of a builder is none.
bool IsBuilder(std::span<const std::string_view> arguments);

/// Whether the phase is the RUN step of a Dockerfile, as BuildKit, the older docker build or buildah names
/// it.
bool IsRunStep(std::string_view phase);

}  // namespace imagebatch::hang
