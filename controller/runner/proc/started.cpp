#include "runner/proc/started.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string_view>

#include "runner/proc/files.h"
#include "runner/proc/proc_text.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kCommandBytes = 4096;
constexpr size_t kArguments = 24;  // that may name a file
constexpr size_t kDescriptors = 32;
constexpr size_t kThreads = 64;
constexpr time_t kYoungSeconds = 2;

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

std::string PathOf(pid_t process, const char* file) {
  return "/proc/" + std::to_string(process) + "/" + file;
}

/// Calls `visit` with the number of each entry, at most `most`; how many there were.
template <class Visit>
size_t EachNumber(const std::string& path, size_t most, Visit visit) {
  const Directory directory(opendir(path.c_str()), closedir);
  size_t count = 0;
  while (directory && count <= most) {
    const dirent* entry = readdir(directory.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    if (++count <= most) visit(atoi(entry->d_name));
  }
  return count;
}

/// Arguments with zero bytes behind them.
std::string CommandLine(pid_t process) {
  char buffer[kCommandBytes + 1];
  return std::string(ReadSmall(AT_FDCWD, PathOf(process, "cmdline").c_str(), buffer, kCommandBytes));
}

bool IsTemporary(std::string_view path) {
  const size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const std::string_view directory = slash == std::string_view::npos ? "" : path.substr(0, slash);
  return directory == "/tmp" || directory == "/var/tmp" || name.starts_with("tmp");
}

/// Belongs to a program, which opens it whenever it starts. Which of them it is at just now is chance.
bool IsOfAProgram(std::string_view path) {
  constexpr std::string_view kParts[] = {"/lib/",         "/lib32/", "/lib64/",    "/libexec/",
                                         "/bin/",         "/sbin/",  "/share/",    "/node_modules/",
                                         "/__pycache__/", "/etc/",   "-packages/", ".so"};
  return std::any_of(std::begin(kParts), std::end(kParts),
                     [path](std::string_view part) { return path.find(part) != std::string_view::npos; });
}

class Files {
 public:
  explicit Files(std::vector<uint64_t>& found) : found_(found), now_(time(nullptr)) {}

  void Add(const struct stat& status, bool directories) {
    const bool wanted = S_ISREG(status.st_mode) || (directories && S_ISDIR(status.st_mode));
    if (!wanted || status.st_nlink == 0) return;
    if (S_ISREG(status.st_mode) && now_ - std::max(status.st_mtime, status.st_ctime) < kYoungSeconds) return;
    // The finish of MurmurHash3 would do; the low bits must differ.
    const uint64_t hash =
        (static_cast<uint64_t>(status.st_dev) << 48 ^ static_cast<uint64_t>(status.st_ino)) *
        0x9E3779B97F4A7C15;
    if (std::find(found_.begin(), found_.end(), hash) == found_.end()) found_.push_back(hash);
  }

 private:
  std::vector<uint64_t>& found_;
  const time_t now_;
};

void AddNamed(pid_t process, std::string_view arguments, Files& files) {
  TakeUntil(arguments, '\0');  // the program
  const Descriptor directory(open(PathOf(process, "cwd").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (size_t count = 0; !arguments.empty() && count < kArguments; ++count) {
    std::string_view argument = TakeUntil(arguments, '\0');
    if (argument.starts_with('-')) {
      const size_t equals = argument.find('=');
      if (equals == std::string_view::npos) continue;
      argument.remove_prefix(equals + 1);
    }
    if (argument.empty() || argument.size() > 1024 || IsTemporary(argument)) continue;
    const bool absolute = argument.starts_with('/');
    if (!absolute && !directory.Open()) continue;
    const std::string path =
        absolute ? PathOf(process, "root") + std::string(argument) : std::string(argument);
    struct stat status {};
    if (fstatat(directory.Get(), path.c_str(), &status, 0) == 0) files.Add(status, true);
  }
}

void AddOpen(pid_t process, Files& files) {
  const std::string path = PathOf(process, "fd");
  EachNumber(path, kDescriptors, [&](int number) {
    const std::string link = path + "/" + std::to_string(number);
    struct stat status {};
    // The link's own mode says how it was opened: what is written is a log.
    if (lstat(link.c_str(), &status) != 0 || (status.st_mode & S_IWUSR) != 0) return;
    if (stat(link.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
    char target[512];
    const ssize_t size = readlink(link.c_str(), target, sizeof target);
    if (size <= 0) return;
    const std::string_view file(target, static_cast<size_t>(size));
    if (!IsTemporary(file) && !IsOfAProgram(file)) files.Add(status, false);
  });
}

}  // namespace

std::optional<StartedProcess> ReadStarted(pid_t process, pid_t parent) {
  StartedProcess started;
  started.command = CommandLine(process);
  if (started.command.empty() || started.command == CommandLine(parent)) return std::nullopt;
  char target[512];
  const ssize_t size = readlink(PathOf(process, "cwd").c_str(), target, sizeof target);
  if (size > 0) started.directory.assign(target, static_cast<size_t>(size));
  Files files(started.files);
  AddNamed(process, started.command, files);
  AddOpen(process, files);
  std::replace(started.command.begin(), started.command.end(), '\0', ' ');
  return started;
}

std::optional<uint64_t> ReadByThreads(pid_t process) {
  uint64_t sum = 0;
  bool readable = false;
  const std::string path = PathOf(process, "task");
  const size_t count = EachNumber(path, kThreads, [&](int thread) {
    char text[512];
    const std::string file = path + "/" + std::to_string(thread) + "/io";
    if (const auto io = ParseIo(ReadSmall(AT_FDCWD, file.c_str(), text, sizeof text - 1))) {
      sum += io->read;
      readable = true;
    }
  });
  if (!readable || count > kThreads) return std::nullopt;
  return sum;
}

}  // namespace imagebatch::runner
