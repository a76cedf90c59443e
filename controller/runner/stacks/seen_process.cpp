#include "runner/stacks/seen_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "runner/proc/thread_status.h"
#include "runner/waits/wait_call.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kStatusBytes = 4096;
constexpr size_t kCallBytes = 255;

std::string TaskFile(pid_t pid, pid_t thread, const char* file) {
  return "/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread) + "/" + file;
}

std::string CallOf(pid_t pid, pid_t thread) {
  std::array<char, kCallBytes + 1> text{};
  errno = 0;
  std::string_view call =
      ReadSmall(AT_FDCWD, TaskFile(pid, thread, "syscall").c_str(), text.data(), kCallBytes);
  return std::string(TakeUntil(call, '\n'));
}

/// Nothing where the thread is not there (any more).
std::optional<SeenThread> SeeThread(pid_t pid, pid_t id) {
  SeenThread thread{.id = id, .inner_id = id, .call = {}, .switches = 0};
  std::array<char, kStatusBytes + 1> text{};
  const std::string_view status =
      ReadSmall(AT_FDCWD, TaskFile(pid, id, "status").c_str(), text.data(), kStatusBytes);
  const auto parsed = ParseThreadStatus(status);
  if (!parsed) return std::nullopt;
  thread.switches = parsed->switches;
  thread.inner_id = InnerId(status).value_or(id);
  thread.call = CallOf(pid, id);
  return thread;
}

std::vector<pid_t> ThreadsOf(pid_t pid) {
  std::vector<pid_t> ids;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(tasks.c_str()), closedir);
  while (const dirent* entry = entries ? readdir(entries.get()) : nullptr) {
    if (const pid_t id = atoi(entry->d_name); id > 0) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end(), [pid](pid_t one, pid_t other) {
    return (one == pid) != (other == pid) ? one == pid : one < other;
  });
  return ids;
}

}  // namespace

SeenProcess See(const ProcessStat& process, size_t most_threads) {
  SeenProcess seen;
  seen.stat = process;
  const std::string directory = "/proc/" + std::to_string(process.pid);
  struct stat status {};
  seen.gone = IsZombie(process) || stat(directory.c_str(), &status) != 0;
  if (seen.gone) return seen;
  seen.user = status.st_uid;
  seen.memory = Descriptor(open((directory + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!seen.memory.Open()) {
    seen.gone = errno == ENOENT || errno == ESRCH;
    seen.problem = std::string("its memory cannot be read: ") + strerror(errno);
    return seen;
  }
  int reason = 0;
  for (pid_t id : ThreadsOf(process.pid)) {
    if (seen.threads.size() >= most_threads) {
      ++seen.more_threads;
      continue;
    }
    auto thread = SeeThread(process.pid, id);
    if (!thread) continue;
    if (thread->call.empty() && errno != 0) reason = errno;
    seen.threads.push_back(*std::move(thread));
  }
  const bool blind = std::all_of(seen.threads.begin(), seen.threads.end(),
                                 [](const SeenThread& thread) { return thread.call.empty(); });
  // Without them nobody knows which of its threads have run since.
  if (blind && reason != 0 && reason != ESRCH) {
    seen.problem = std::string("its system calls cannot be read: ") + strerror(reason);
  }
  return seen;
}

bool HasNotRun(pid_t pid, const SeenThread& seen) {
  if (seen.call.empty() || seen.call == "running") return false;
  std::array<char, kStatusBytes + 1> text{};
  const auto status = ParseThreadStatus(
      ReadSmall(AT_FDCWD, TaskFile(pid, seen.id, "status").c_str(), text.data(), kStatusBytes));
  return status && status->switches == seen.switches && CallOf(pid, seen.id) == seen.call;
}

std::optional<pid_t> InnerId(std::string_view status) {
  while (!status.empty()) {
    std::string_view line = TakeUntil(status, '\n');
    if (TakeUntil(line, '\t') != "NSpid:") continue;
    line.remove_prefix(std::min(line.rfind('\t') + 1, line.size()));  // npos + 1 is 0
    pid_t id = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), id);
    if (error != std::errc() || id <= 0) return std::nullopt;
    return id;
  }
  return std::nullopt;
}

std::optional<uint64_t> FutexOf(const SeenThread& thread) {
  const CallNumbers* numbers = NativeCalls();
  const auto call = ParseSystemCall(thread.call);
  if (numbers == nullptr || !call || call->number != numbers->futex) return std::nullopt;
  return call->arguments[0];
}

}  // namespace imagebatch::runner
