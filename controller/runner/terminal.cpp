#include "runner/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <ctime>

namespace imagebatch::runner {
namespace {

/// Of other terminals the kernel takes the whole away when the leader of their session ends, our output
/// included. (Documentation/admin-guide/devices.txt: 136 to 143 are UNIX98 pseudo terminals.)
bool IsPseudoTerminal(const Descriptor& terminal) {
  unsigned device = 0;
  if (ioctl(terminal.Get(), TIOCGDEV, &device) != 0) return false;
  return major(device) >= 136 && major(device) <= 143;
}

}  // namespace

Descriptor LetGoOfTerminal() {
  if (getsid(0) != getpid()) return {};
  Descriptor terminal(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal.Open() || !IsPseudoTerminal(terminal)) return {};
  sigset_t hangup;
  sigset_t before;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  if (sigprocmask(SIG_BLOCK, &hangup, &before) != 0) return {};
  const bool released = ioctl(terminal.Get(), TIOCNOTTY) == 0;
  const timespec now{};
  if (released) sigtimedwait(&hangup, nullptr, &now);
  if (sigprocmask(SIG_SETMASK, &before, nullptr) != 0 || !released) return {};
  return terminal;
}

}  // namespace imagebatch::runner
