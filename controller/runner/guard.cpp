#include "runner/guard.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "runner/proc/process_tree.h"

namespace imagebatch::runner {
namespace {

using std::chrono::steady_clock;

constexpr int kExitCannotGuard = 2;
constexpr std::chrono::seconds kGiveUpAfter{10};
constexpr timespec kKillAgainAfter{0, 50'000'000};

constexpr int kPassedOn[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

int CannotGuard(const char* what) {
  fprintf(stderr, "imagebatch-runner: %s: %s\n", what, strerror(errno));
  return kExitCannotGuard;
}

/// Whoever has lost his parent is our child: when there is none left, the tree is gone.
void KillTheRest() {
  ProcessTree tree;
  const auto end = steady_clock::now() + kGiveUpAfter;
  while (steady_clock::now() < end) {
    tree.Signal(SIGKILL);
    while (waitpid(-1, nullptr, WNOHANG) > 0) continue;
    if (waitpid(-1, nullptr, WNOHANG) < 0) return;
    nanosleep(&kKillAgainAfter, nullptr);
  }
}

/// From the start of the runner to its end.
int Guard(pid_t runner, const sigset_t& awaited) {
  for (;;) {
    siginfo_t info{};
    if (sigwaitinfo(&awaited, &info) < 0) {
      if (errno == EINTR) continue;
      return CannotGuard("cannot wait for signals");
    }
    if (info.si_signo != SIGCHLD) {
      kill(runner, info.si_signo);
      continue;
    }
    int status = 0;
    for (pid_t ended = 0; (ended = waitpid(-1, &status, WNOHANG)) != 0;) {
      if (ended < 0) return CannotGuard("the runner is lost");
      if (ended != runner) continue;
      if (WIFEXITED(status)) return WEXITSTATUS(status);
      fprintf(stderr, "imagebatch-runner: killed by signal %d; its command was killed too\n",
              WTERMSIG(status));
      KillTheRest();
      return 128 + WTERMSIG(status);
    }
  }
}

}  // namespace

int GuardGoneSignal() { return SIGRTMIN; }

std::optional<int> GuardRunner() {
  if (getpid() == 1) return std::nullopt;
  sigset_t awaited;
  sigset_t before;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  for (int signal : kPassedOn) sigaddset(&awaited, signal);
  // Ignored, the runner's end would leave no status.
  if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || sigprocmask(SIG_BLOCK, &awaited, &before) != 0) {
    return CannotGuard("cannot block signals");
  }
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return CannotGuard("cannot become a subreaper");
  const pid_t guard = getpid();
  const pid_t runner = fork();
  if (runner < 0) return CannotGuard("cannot fork");
  if (runner > 0) return Guard(runner, awaited);
  // Blocked until the runner is ready for it.
  sigset_t gone;
  sigemptyset(&gone);
  sigaddset(&gone, GuardGoneSignal());
  if (sigprocmask(SIG_SETMASK, &before, nullptr) != 0 || sigprocmask(SIG_BLOCK, &gone, nullptr) != 0 ||
      prctl(PR_SET_PDEATHSIG, GuardGoneSignal()) != 0 || setsid() < 0) {
    return CannotGuard("cannot be guarded");
  }
  if (getppid() != guard) return kExitCannotGuard;
  return std::nullopt;
}

}  // namespace imagebatch::runner
