#pragma once
#include <optional>

namespace imagebatch::runner {

/// What the runner gets when the process that guards it is gone.
int GuardGoneSignal();

/// As process 1 of a container nothing outlives us: the kernel sees to it. Elsewhere this goes on in a child,
/// in a session of its own, and the process that was started stays behind to guard it: it passes signals on,
/// and ends with the runner's exit code. Where it is killed, the runner gets GuardGoneSignal(); where the
/// runner is, the guard kills all that is left of the tree. So a build does not outlive its runner.
///
/// The exit code in the guard, when all is over; nothing in the runner, which goes on, nor where there is no
/// need of a guard. What stands in its way is said on stderr; the exit code is then that of wrong usage.
std::optional<int> GuardRunner();

}  // namespace imagebatch::runner
