#include "runner/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
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

bool OpenPipe(Pipe& pipe) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  pipe.read_end = Descriptor(ends[0]);
  pipe.write_end = Descriptor(ends[1]);
  // Ours alone: the command's end stays blocking, as programs expect it.
  return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  void Streams(int output, int errors) {
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO);
  }

  void Signals(const InheritedSignals& signals) {
    sigset_t defaults;
    sigemptyset(&defaults);
    if (!signals.sigpipe_ignored) sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    posix_spawnattr_setsigmask(&attributes_, &signals.mask);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }

  int Spawn(pid_t& pid, char** argv) const {
    return posix_spawnp(&pid, argv[0], &actions_, &attributes_, argv, environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Spawned Spawn(char** argv, const InheritedSignals& signals) {
  Spawned spawned;
  Pipe output;
  Pipe errors;
  const bool one_pipe = SameFile(STDOUT_FILENO, STDERR_FILENO);
  if (!OpenPipe(output) || (!one_pipe && !OpenPipe(errors))) {
    spawned.error = errno;
    return spawned;
  }
  SpawnSettings settings;
  settings.Streams(output.write_end.Get(), one_pipe ? output.write_end.Get() : errors.write_end.Get());
  settings.Signals(signals);
  spawned.error = settings.Spawn(spawned.pid, argv);
  if (spawned.error != 0) spawned.pid = -1;
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
