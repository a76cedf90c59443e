#include "runner/signals.h"

#include <signal.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "runner/guard.h"

namespace imagebatch::runner {
namespace {

constexpr int kForwarded[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
constexpr int kToEnd[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

}  // namespace

std::string TakeSignals(InheritedSignals& inherited, Descriptor& signals) {
  sigset_t handled;
  sigemptyset(&handled);
  sigaddset(&handled, SIGCHLD);
  sigaddset(&handled, GuardGoneSignal());
  for (int signal : kForwarded) sigaddset(&handled, signal);
  if (sigprocmask(SIG_BLOCK, &handled, &inherited.mask) != 0) {
    return std::string("cannot block signals: ") + strerror(errno);
  }
  // Blocked by the guard, not by whoever started us.
  sigdelset(&inherited.mask, GuardGoneSignal());
  inherited.sigpipe_ignored = signal(SIGPIPE, SIG_IGN) == SIG_IGN;
  // Ignored, children would vanish without a status.
  if (signal(SIGCHLD, SIG_DFL) == SIG_ERR) return std::string("cannot set SIGCHLD: ") + strerror(errno);
  signals = Descriptor(signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals.Open()) return std::string("cannot wait for signals: ") + strerror(errno);
  return {};
}

bool IsToEnd(int signal) {
  return std::find(std::begin(kToEnd), std::end(kToEnd), signal) != std::end(kToEnd);
}

}  // namespace imagebatch::runner
