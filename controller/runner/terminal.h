#pragma once
#include "runner/proc/files.h"

namespace imagebatch::runner {

/// Where we lead a session that has a terminal (a container with `tty: true`), lets go of it, so that the
/// session of the command can have it; the result is that terminal. Closed where there is none, or where it
/// belongs to somebody else, such as the shell that has started us: then the command gets none, and what
/// wants one is told so by the kernel. In our session it would be in the background, and be stopped for ever
/// as soon as it asked for the terminal.
/// The SIGHUP that the kernel sends on that occasion is taken off.
Descriptor LetGoOfTerminal();

}  // namespace imagebatch::runner
