#pragma once
#include <signal.h>
#include <sys/types.h>

#include "runner/proc/files.h"

namespace imagebatch::runner {

/// The signal state that the command shall start with: what the runner itself was given.
struct InheritedSignals {
  sigset_t mask;
  bool sigpipe_ignored = false;
};

struct Spawned {
  pid_t pid = -1;  // also its process group and its session
  int error = 0;   // errno where pid is -1
  // What the command writes. Where the runner's own stdout and stderr are one file (2>&1), so are the
  // command's, and `errors` stays closed: two pipes would lose the order of what was written.
  Descriptor output;
  Descriptor errors;
};

/// Starts the command of `argv` (looked up in PATH) in a session of its own, with `terminal` as that
/// session's where it is open (see LetGoOfTerminal()). It reads what we would where `inherit_input`, else
/// /dev/null. It is killed when we are.
Spawned Spawn(char** argv, const InheritedSignals& signals, bool inherit_input, const Descriptor& terminal);

/// Makes sure that descriptors 0, 1 and 2 are open, so that none of ours can take their numbers.
bool OpenStandardDescriptors();

}  // namespace imagebatch::runner
