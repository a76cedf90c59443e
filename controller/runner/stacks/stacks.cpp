#include "runner/stacks/stacks.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "runner/stacks/seen_process.h"
#include "runner/stacks/stack_groups.h"
#include "runner/stacks/stack_report.h"

namespace imagebatch::runner {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kMostProcesses = 128;
constexpr size_t kOldest = 32;  // of them; the rest are the youngest, where the work is stuck
constexpr size_t kMostThreads = 1024;
constexpr size_t kMostAllThreads = 4096;
constexpr char kRead = 'R';  // what the reader says once it has read all memory
constexpr milliseconds kTimeToEnd{200};
constexpr rlim_t kMemoryBytes = rlim_t{128} << 20;
constexpr rlim_t kCpuSeconds = 2;

/// Both ends of a connection: of the runner and of its reader.
struct Ends {
  Descriptor runner, reader;
};

bool Connect(Ends& ends) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return false;
  ends = {Descriptor(sockets[0]), Descriptor(sockets[1])};
  return true;
}

bool SendAll(const Descriptor& to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(to.Get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool ReceiveAll(const Descriptor& from, std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t received = recv(from.Get(), text.data() + done, text.size() - done, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return false;
    done += static_cast<size_t>(received);
  }
  return true;
}

/// The reader's part. It ends with it.
[[noreturn]] void ReadAndEnd(const std::vector<SeenProcess>& seen, size_t threads, const Descriptor& runner) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit none{0, 0}, cpu{kCpuSeconds, kCpuSeconds};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_CPU, &cpu);
#ifndef __SANITIZE_ADDRESS__  // which has terabytes for itself
  const rlimit memory{kMemoryBytes, kMemoryBytes};
  setrlimit(RLIMIT_DATA, &memory);
#endif
  try {
    StackReport report(seen);
    std::string still(threads, '0');
    if (SendAll(runner, {&kRead, 1}) && ReceiveAll(runner, still)) {
      std::vector<bool> flags(threads);
      for (size_t index = 0; index < threads; ++index) flags[index] = still[index] == '1';
      if (SendAll(runner, Encode(report.Write(flags)))) _exit(0);
    }
  } catch (...) {  // it has no room left
  }
  _exit(1);
}

/// What the reader sends until `end`, at most `limit` bytes or all until it closes; nothing where it does
/// not.
std::optional<std::string> Await(const Descriptor& reader, size_t limit, bool to_its_end,
                                 steady_clock::time_point end) {
  std::string text;
  char part[4096];
  while (to_its_end || text.size() < limit) {
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now()).count();
    pollfd entry{reader.Get(), POLLIN, 0};
    if (left <= 0 || poll(&entry, 1, static_cast<int>(left)) <= 0) {
      if (left > 0 && errno == EINTR) continue;
      return std::nullopt;
    }
    const ssize_t length =
        recv(reader.Get(), part, std::min(sizeof part, limit + 1 - text.size()), MSG_DONTWAIT);
    if (length < 0) continue;
    if (length == 0) break;
    text.append(part, static_cast<size_t>(length));
    if (text.size() > limit) return std::nullopt;
  }
  if (!to_its_end && text.size() < limit) return std::nullopt;
  return text;
}

/// Ends the reader and takes its account. One that waits in the kernel stays for whoever reaps next.
void End(pid_t reader, ReadingCost& cost) {
  kill(reader, SIGKILL);
  const auto end = steady_clock::now() + kTimeToEnd;
  rusage usage{};
  pid_t ended = 0;
  while ((ended = wait4(reader, nullptr, WNOHANG, &usage)) == 0 && steady_clock::now() < end) {
    poll(nullptr, 0, 1);
  }
  if (ended != reader) {
    cost.left = reader;
    return;
  }
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  cost.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::optional<Stacks> Converse(const std::vector<SeenProcess>& seen, const Descriptor& reader,
                               steady_clock::time_point end) {
  if (Await(reader, 1, false, end) != std::string(1, kRead)) return std::nullopt;
  std::string still;
  for (const SeenProcess& process : seen) {
    for (const SeenThread& thread : process.threads) {
      still += HasNotRun(process.stat.pid, thread) ? '1' : '0';
    }
  }
  if (!SendAll(reader, still)) return std::nullopt;
  const auto text = Await(reader, kEncodedBytes, true, end);
  return text ? Decode(*text) : std::nullopt;
}

std::vector<SeenProcess> SeeAll(const std::vector<ProcessStat>& processes, size_t& left_out) {
  std::vector<SeenProcess> seen;
  size_t threads = 0;
  for (size_t index = 0; index < processes.size(); ++index) {
    const bool chosen = index < kOldest || processes.size() - index <= kMostProcesses - kOldest;
    if (!chosen) {
      ++left_out;
      continue;
    }
    seen.push_back(See(processes[index], std::min(kMostThreads, kMostAllThreads - threads)));
    threads += seen.back().threads.size();
  }
  return seen;
}

}  // namespace

Stacks CollectStacks(const std::vector<ProcessStat>& processes, ReadingCost& cost) {
  const auto end = steady_clock::now() + kTimeForReading;
  // First of all, for the memory of many processes may take all descriptors there are.
  Ends ends;
  const bool connected = Connect(ends);
  size_t left_out = 0;
  const std::vector<SeenProcess> seen = SeeAll(processes, left_out);
  size_t threads = 0;
  for (const SeenProcess& process : seen) threads += process.threads.size();
  Stacks failed;
  const pid_t reader = connected ? fork() : -1;
  if (reader < 0) {
    failed.not_read = {std::string("no stacks: cannot start their reader: ") + strerror(errno)};
    return failed;
  }
  if (reader == 0) ReadAndEnd(seen, threads, ends.reader);
  ends.reader.Close();
  auto stacks = Converse(seen, ends.runner, end);
  const bool late = steady_clock::now() >= end;
  End(reader, cost);
  if (!stacks) {
    failed.not_read = {late ? "no stacks: they could not be read in time" : "no stacks: their reader failed"};
    return failed;
  }
  if (left_out > 0) stacks->not_read.push_back(std::to_string(left_out) + " processes were not looked at");
  return *std::move(stacks);
}

}  // namespace imagebatch::runner
