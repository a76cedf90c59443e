#include "local/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/descriptor.h"
#include "local/machine.h"

namespace imagebatch::local {
namespace {

/// What went wrong in the child, as it says it through a pipe.
struct Trouble {
  enum class Step : int { None, Directory, Program, Else } step = Step::None;
  int error = 0;
};

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));  // NOLINT
  pointers.push_back(nullptr);
  return pointers;
}

/// In the child, where there is one thread and only what is safe in a signal handler may be called. Returns
/// where something failed.
Trouble::Step Become(const ChildSpec& spec, char** words, char** environment, pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || setsid() < 0)
    return Trouble::Step::Else;
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0) return Trouble::Step::Else;
  if (dup2(spec.output, STDOUT_FILENO) < 0 || dup2(spec.output, STDERR_FILENO) < 0)
    return Trouble::Step::Else;
  if (spec.kept >= 0 && fcntl(spec.kept, F_SETFD, 0) != 0) return Trouble::Step::Else;
  sigset_t none;
  sigemptyset(&none);
  if (signal(SIGPIPE, SIG_DFL) == SIG_ERR || pthread_sigmask(SIG_SETMASK, &none, nullptr) != 0)
    return Trouble::Step::Else;
  if (!spec.directory.empty() && chdir(spec.directory.c_str()) != 0) return Trouble::Step::Directory;
  execve(words[0], words, environment);
  return Trouble::Step::Program;
}

std::string Describe(const ChildSpec& spec, const Trouble& trouble) {
  const std::string why = ErrorText(trouble.error);
  if (trouble.step == Trouble::Step::Directory) return "workingDir " + spec.directory + ": " + why;
  if (trouble.step == Trouble::Step::Program) return "cannot run " + spec.words.front() + ": " + why;
  return "cannot start a process: " + why;
}

}  // namespace

Result<pid_t> StartChild(const ChildSpec& spec) {
  const auto words = Pointers(spec.words);
  const auto environment = Pointers(spec.environment);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Fail(std::string("cannot make a pipe: ") + ErrorText(errno));
  const Descriptor reader(ends[0]);
  Descriptor writer(ends[1]);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return Fail(std::string("cannot start a process: ") + ErrorText(errno));
  if (child == 0) {
    Trouble trouble{
        Become(spec, const_cast<char**>(words.data()), const_cast<char**>(environment.data()),  // NOLINT
               parent),
        errno};
    [[maybe_unused]] const ssize_t written = write(writer.Get(), &trouble, sizeof trouble);
    _exit(127);
  }
  writer = Descriptor();
  Trouble trouble;
  ssize_t length = 0;
  do {
    length = read(reader.Get(), &trouble, sizeof trouble);
  } while (length < 0 && errno == EINTR);
  if (length <= 0) return child;
  waitpid(child, nullptr, 0);
  return Fail(Describe(spec, trouble));
}

}  // namespace imagebatch::local
