#pragma once
#include <string>

#include "runner/proc/files.h"
#include "runner/spawn.h"

namespace imagebatch::runner {

/// Blocks the signals that the runner handles, of which `signals` then tells: its own, and those that are
/// passed on to the command. `inherited` is what was set before. Empty on success, else what went wrong.
std::string TakeSignals(InheritedSignals& inherited, Descriptor& signals);

/// Whether a signal ends a program that does not handle it, and is sent for that.
bool IsToEnd(int signal);

}  // namespace imagebatch::runner
