#include "runner/spawn.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
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

/// What the child does between fork() and exec(). It must not return; errno says what failed.
class Child {
 public:
  Child(char** argv, const InheritedSignals& signals, const Descriptor& terminal, pid_t parent)
      : argv_(argv), signals_(signals), terminal_(terminal), parent_(parent) {}

  void Become(bool inherit_input, int output, int errors) const {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return;
    if (getppid() != parent_) _exit(1);  // it was killed just before
    if (setsid() < 0) return;
    if (terminal_.Open() && ioctl(terminal_.Get(), TIOCSCTTY, 0) != 0) return;
    if (!inherit_input && !OpenNull()) return;
    if (dup2(output, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0) return;
    if (!signals_.sigpipe_ignored && signal(SIGPIPE, SIG_DFL) == SIG_ERR) return;
    if (sigprocmask(SIG_SETMASK, &signals_.mask, nullptr) != 0) return;
    execvp(argv_[0], argv_);
  }

 private:
  static bool OpenNull() {
    const Descriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    return null.Open() && dup2(null.Get(), STDIN_FILENO) >= 0;
  }

  char** argv_;
  const InheritedSignals& signals_;
  const Descriptor& terminal_;
  pid_t parent_;
};

/// The errno that the child has left in the pipe; 0 where it has become the command and the pipe is closed.
int ErrorOf(const Descriptor& read_end) {
  int error = 0;
  ssize_t length = 0;
  do {
    length = read(read_end.Get(), &error, sizeof error);
  } while (length < 0 && errno == EINTR);
  return length == static_cast<ssize_t>(sizeof error) ? error : 0;
}

}  // namespace

Spawned Spawn(char** argv, const InheritedSignals& signals, bool inherit_input, const Descriptor& terminal) {
  Spawned spawned;
  Pipe output;
  Pipe errors;
  Pipe status;
  const bool one_pipe = SameFile(STDOUT_FILENO, STDERR_FILENO);
  if (!OpenPipe(output, O_NONBLOCK) || (!one_pipe && !OpenPipe(errors, O_NONBLOCK)) || !OpenPipe(status, 0)) {
    spawned.error = errno;
    return spawned;
  }
  const Child child(argv, signals, terminal, getpid());
  spawned.pid = fork();
  if (spawned.pid == 0) {
    child.Become(inherit_input, output.write_end.Get(),
                 one_pipe ? output.write_end.Get() : errors.write_end.Get());
    const int error = errno;
    (void)!write(status.write_end.Get(), &error, sizeof error);
    _exit(127);
  }
  if (spawned.pid < 0) {
    spawned.error = errno;
    return spawned;
  }
  status.write_end.Close();
  spawned.error = ErrorOf(status.read_end);
  if (spawned.error != 0) {
    waitpid(spawned.pid, nullptr, 0);
    spawned.pid = -1;
  }
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
