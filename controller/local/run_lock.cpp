#include "local/run_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "document/json_member.h"
#include "local/machine.h"

namespace imagebatch::local {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kGiveUpAfter{20};
constexpr std::chrono::milliseconds kLookAgain{20};

tl::unexpected<Error> CannotLock(const fs::path& path, int error) {
  return Fail("cannot lock " + path.string() + ": " + ErrorText(error));
}

bool IsFile(const fs::path& link, const struct stat& file) {
  struct stat status {};
  return stat(link.c_str(), &status) == 0 && status.st_dev == file.st_dev && status.st_ino == file.st_ino;
}

bool Holds(const fs::path& process, const struct stat& file) {
  std::error_code error;
  for (fs::directory_iterator open(process / "fd", error), end; !error && open != end;
       open.increment(error)) {
    if (IsFile(open->path(), file)) return true;
  }
  return false;
}

/// The processes but this one that have the file open, as far as they can be seen.
std::vector<pid_t> Holders(const struct stat& file) {
  std::vector<pid_t> holders;
  std::error_code error;
  for (fs::directory_iterator process("/proc", error), end; !error && process != end;
       process.increment(error)) {
    const std::string name = process->path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto pid = static_cast<pid_t>(std::stol(name));
    if (pid != getpid() && Holds(process->path(), file)) holders.push_back(pid);
  }
  return holders;
}

fs::path ProcessPath(pid_t pid) { return fs::path("/proc") / std::to_string(pid); }

std::string ProgramOf(const fs::path& process) {
  std::string name;
  std::getline(std::ifstream(process / "comm"), name);
  return name;
}

/// A run, perhaps one that has just begun, or a build on its way to be one.
bool IsRun(pid_t pid) { return ProgramOf(ProcessPath(pid)) == ProgramOf("/proc/self"); }

/// Kills `pid` if it still has the file open: its number may be another's by now.
void KillHolder(pid_t pid, const struct stat& file) {
  const Descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (handle.Open() && Holds(ProcessPath(pid), file))
    syscall(SYS_pidfd_send_signal, handle.Get(), SIGKILL, nullptr, 0);
}

struct Owner {
  pid_t pid = 0;
  std::string host, since;
};

std::optional<Owner> ReadOwner(int file) {
  std::array<char, 1024> text{};
  const ssize_t size = pread(file, text.data(), text.size(), 0);
  if (size <= 0) return std::nullopt;
  const json owner = json::parse(text.data(), text.data() + size, nullptr, false);
  if (!owner.is_object() || !owner.contains("pid") || !owner["pid"].is_number_integer()) return std::nullopt;
  return Owner{owner["pid"].get<pid_t>(), document::StringMember(owner, "host"),
               document::StringMember(owner, "since")};
}

/// Whether the run that has the lock by its own account is there. One on another machine, or that cannot be
/// looked at, is taken to be.
bool Lives(const Owner& owner, const std::vector<pid_t>& holders) {
  if (owner.host != HostName()) return true;
  if (std::find(holders.begin(), holders.end(), owner.pid) != holders.end()) return true;
  return kill(owner.pid, 0) != 0 && errno == EPERM;
}

/// For the message of the next who comes; what is wrong with it does no harm.
void WriteOwner(int file, Time now) {
  const std::string text =
      json{{"pid", getpid()}, {"host", HostName()}, {"since", FormatTime(now)}}.dump() + "\n";
  if (ftruncate(file, 0) != 0) return;
  [[maybe_unused]] const ssize_t written = pwrite(file, text.data(), text.size(), 0);
}

}  // namespace

Result<RunLock> RunLock::Take(const fs::path& path, Time now,
                              const std::function<void(const std::string&)>& say) {
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file.Open()) return CannotLock(path, errno);
  struct stat status {};
  if (fstat(file.Get(), &status) != 0) return CannotLock(path, errno);
  const auto give_up = steady_clock::now() + kGiveUpAfter;
  bool told = false;
  while (flock(file.Get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return CannotLock(path, errno);
    const auto owner = ReadOwner(file.Get());
    auto holders = Holders(status);
    if (owner && Lives(*owner, holders)) {
      return Fail(path.parent_path().string() + " is in use: process " + std::to_string(owner->pid) + " on " +
                  owner->host + " runs this batch since " + owner->since +
                  "; wait for it, or stop it with: kill " + std::to_string(owner->pid));
    }
    std::erase_if(holders, IsRun);
    if (!holders.empty() && !std::exchange(told, true)) {
      say("the last run was killed and left " + std::to_string(holders.size()) +
          (holders.size() == 1 ? " process of its builds: it is" : " processes of its builds: they are") +
          " killed first");
    }
    for (const pid_t holder : holders) KillHolder(holder, status);
    if (steady_clock::now() > give_up) {
      return Fail(path.string() +
                  " is held by processes that cannot be ended from here; find them with `fuser " +
                  path.string() + "` as root, end them and try again");
    }
    std::this_thread::sleep_for(kLookAgain);
  }
  WriteOwner(file.Get(), now);
  return RunLock(std::move(file));
}

}  // namespace imagebatch::local
