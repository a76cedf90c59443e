#pragma once
#include <optional>
#include <string>

namespace imagebatch::runner {

/// The value of IMAGEBATCH_MARKER, which tells the runner's own lines in the log from lines that a build has
/// forged; empty where it is not set, nothing (errno set) where it cannot be hidden. Takes it out of the
/// environment and of the memory that /proc/PID/environ shows, and closes that memory to the command, which
/// mostly runs as the same user.
std::optional<std::string> TakeMarker();

}  // namespace imagebatch::runner
