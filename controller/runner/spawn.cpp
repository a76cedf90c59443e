#include "runner/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <utility>

namespace imagebatch::runner {
namespace {

bool SameFile(int one, int other) {
  struct stat a {};
  struct stat b {};
  if (fstat(one, &a) != 0 || fstat(other, &b) != 0) return false;
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

bool OpenPipe(Pipe& pipe, int read_flags) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  pipe.read_end = Descriptor(ends[0]);
  pipe.write_end = Descriptor(ends[1]);
  // Ours alone: the command's end stays blocking, as programs expect it.
  return fcntl(ends[0], F_SETFL, read_flags) == 0;
}

/// What the child does before it is the command. It shares our memory while we stand still, so it changes
/// nothing there but errno and `error`.
class Child {
 public:
  Child(char** argv, const InheritedSignals& signals, const Descriptor& terminal, bool inherit_input,
        int output, int errors)
      : argv_(argv),
        signals_(signals),
        terminal_(terminal),
        inherit_input_(inherit_input),
        output_(output),
        errors_(errors),
        parent_(getpid()) {}

  /// Its PID once it is the command, or -1 and errno. It is no copy of us, as after fork(): that would copy
  /// the tables of all our pages.
  pid_t Start() {
    size_t arguments = 0;
    while (argv_[arguments] != nullptr) ++arguments;
    // For a script without #!, execvp() makes a list of its arguments there.
    const size_t size = kStackBytes + arguments * sizeof(char*) / kAlignment * kAlignment;
    const auto stack = std::make_unique_for_overwrite<char[]>(size);
    const pid_t pid = clone(Run, stack.get() + size, CLONE_VM | CLONE_VFORK | SIGCHLD, this);
    if (pid < 0 || error_ == 0) return pid;
    waitpid(pid, nullptr, 0);
    errno = error_;
    return -1;
  }

 private:
  static constexpr size_t kStackBytes = size_t{64} * 1024;  // execvp() puts paths of up to PATH_MAX on it
  static constexpr size_t kAlignment = 16;

  static int Run(void* self) {
    Child& child = *static_cast<Child*>(self);
    child.Become();
    child.error_ = errno;
    _exit(127);
  }

  /// Returns only where something failed; errno says what.
  void Become() const {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return;
    if (getppid() != parent_) _exit(1);  // it was killed just before
    if (setsid() < 0) return;
    if (terminal_.Open() && ioctl(terminal_.Get(), TIOCSCTTY, 0) != 0) return;
    if (!inherit_input_ && !OpenNull()) return;
    if (dup2(output_, STDOUT_FILENO) < 0 || dup2(errors_, STDERR_FILENO) < 0) return;
    if (!signals_.sigpipe_ignored && signal(SIGPIPE, SIG_DFL) == SIG_ERR) return;
    if (sigprocmask(SIG_SETMASK, &signals_.mask, nullptr) != 0) return;
    execvp(argv_[0], argv_);
  }

  static bool OpenNull() {
    const Descriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    return null.Open() && dup2(null.Get(), STDIN_FILENO) >= 0;
  }

  char** argv_;
  const InheritedSignals& signals_;
  const Descriptor& terminal_;
  bool inherit_input_;
  int output_, errors_;
  pid_t parent_;
  volatile int error_ = 0;
};

}  // namespace

Spawned Spawn(char** argv, const InheritedSignals& signals, bool inherit_input, const Descriptor& terminal) {
  Spawned spawned;
  Pipe output;
  Pipe errors;
  const bool one_pipe = SameFile(STDOUT_FILENO, STDERR_FILENO);
  if (!OpenPipe(output, O_NONBLOCK) || (!one_pipe && !OpenPipe(errors, O_NONBLOCK))) {
    spawned.error = errno;
    return spawned;
  }
  const Pipe& second = one_pipe ? output : errors;
  spawned.pid =
      Child(argv, signals, terminal, inherit_input, output.write_end.Get(), second.write_end.Get()).Start();
  if (spawned.pid < 0) spawned.error = errno;
  spawned.output = std::move(output.read_end);
  spawned.errors = std::move(errors.read_end);
  return spawned;
}

bool OpenStandardDescriptors() {
  for (int number = 0; number <= 2; ++number) {
    if (fcntl(number, F_GETFD) >= 0) continue;
    // The lowest free number is this one, for those below are open.
    if (open("/dev/null", O_RDWR) != number) return false;
  }
  return true;
}

}  // namespace imagebatch::runner
