#include "runner/report/evidence.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/mask.h"
#include "runner/machine/machine_words.h"
#include "runner/proc/sockets.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kMostSeen = 512;     // processes
constexpr size_t kMostThreads = 256;  // of one process
constexpr size_t kCommandBytes = 512;

struct NamedCall {
  long number;
  const char* name;
};

/// The calls in which a program waits; the rest shows as its number. Numbers differ between architectures,
/// and not every architecture has the older ones.
constexpr NamedCall kCalls[] = {
    {SYS_accept, "accept"},
    {SYS_accept4, "accept4"},
    {SYS_clock_nanosleep, "clock_nanosleep"},
    {SYS_clone, "clone"},
    {SYS_connect, "connect"},
    {SYS_epoll_pwait, "epoll_pwait"},
    {SYS_fcntl, "fcntl"},
    {SYS_fdatasync, "fdatasync"},
    {SYS_flock, "flock"},
    {SYS_fsync, "fsync"},
    {SYS_futex, "futex"},
    {SYS_io_getevents, "io_getevents"},
    {SYS_nanosleep, "nanosleep"},
    {SYS_openat, "openat"},
    {SYS_ppoll, "ppoll"},
    {SYS_pselect6, "pselect6"},
    {SYS_read, "read"},
    {SYS_readv, "readv"},
    {SYS_recvfrom, "recvfrom"},
    {SYS_recvmsg, "recvmsg"},
    {SYS_rt_sigsuspend, "rt_sigsuspend"},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait"},
    {SYS_sendmsg, "sendmsg"},
    {SYS_sendto, "sendto"},
    {SYS_wait4, "wait4"},
    {SYS_waitid, "waitid"},
    {SYS_write, "write"},
    {SYS_writev, "writev"},
#ifdef SYS_poll
    {SYS_poll, "poll"},
#endif
#ifdef SYS_select
    {SYS_select, "select"},
#endif
#ifdef SYS_pause
    {SYS_pause, "pause"},
#endif
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "epoll_wait"},
#endif
#ifdef SYS_vfork
    {SYS_vfork, "vfork"},
#endif
};

std::string ThreadFile(const std::string& directory, const char* thread, const char* file) {
  char text[256];
  const std::string path = directory + "/" + thread + "/" + file;
  std::string_view content = ReadSmall(AT_FDCWD, path.c_str(), text, sizeof text - 1);
  return std::string(TakeUntil(content, '\n'));
}

void AddOtherThreads(const std::string& tasks, const std::string& main_thread, ProcessEvidence& evidence) {
  const std::unique_ptr<DIR, int (*)(DIR*)> threads(opendir(tasks.c_str()), closedir);
  if (!threads) return;
  size_t seen = 0;
  while (const dirent* entry = readdir(threads.get())) {
    if (entry->d_name[0] == '.' || entry->d_name == main_thread) continue;
    if (++seen > kMostThreads) return;
    std::string name = SystemCallName(ThreadFile(tasks, entry->d_name, "syscall"));
    if (!name.empty()) ++evidence.other_threads[std::move(name)];
  }
}

double SecondsSinceBoot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

ProcessEvidence Look(const ProcessStat& stat) {
  ProcessEvidence evidence;
  evidence.pid = stat.pid;
  evidence.parent = stat.parent;
  evidence.state = stat.state;
  evidence.threads = stat.threads;
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  evidence.cpu_seconds = static_cast<double>(stat.own_ticks) / ticks_per_second;
  const std::string pid = std::to_string(stat.pid);
  const std::string process = "/proc/" + pid;
  const std::string tasks = process + "/task";
  evidence.age_seconds = SecondsSinceBoot() - static_cast<double>(stat.start_ticks) / ticks_per_second;
  evidence.wchan = ThreadFile(tasks, pid.c_str(), "wchan");
  if (evidence.wchan == "0") evidence.wchan.clear();  // running, or hidden from us
  evidence.system_call = SystemCallName(ThreadFile(tasks, pid.c_str(), "syscall"));
  AddOtherThreads(tasks, pid, evidence);
  evidence.command = CommandOf(stat.pid);
  return evidence;
}

/// Of how many Pythons the main thread is not among the stacks: it ran meanwhile.
size_t MissedPythons(const Stacks& stacks) {
  size_t missed = 0;
  for (const StackGroup& group : stacks.groups) {
    const bool has_main = std::any_of(group.threads.begin(), group.threads.end(),
                                      [](const ThreadStack& thread) { return thread.thread == "main"; });
    if (!group.python.empty() && !has_main) missed += group.pids.size();
  }
  return missed;
}

/// One that wakes up now and then is met asleep in the end.
Stacks ReadStacks(const std::vector<ProcessStat>& processes, ReadingCost& cost) {
  constexpr int kMostReadings = 4;
  constexpr std::chrono::milliseconds kTimeForMore{200};
  const auto start = std::chrono::steady_clock::now();
  Stacks best = CollectStacks(processes, cost);
  for (int reading = 1; reading < kMostReadings && cost.left <= 0 && MissedPythons(best) > 0; ++reading) {
    if (std::chrono::steady_clock::now() - start > kTimeForMore) break;
    ReadingCost more;
    Stacks next = CollectStacks(processes, more);
    cost = {cost.cpu_seconds + more.cpu_seconds, more.left};
    if (MissedPythons(next) < MissedPythons(best)) best = std::move(next);
  }
  return best;
}

}  // namespace

std::string CommandOf(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  char text[kCommandBytes + 1];
  std::string_view line = ReadSmall(AT_FDCWD, (process + "/cmdline").c_str(), text, kCommandBytes);
  while (line.ends_with('\0')) line.remove_suffix(1);
  if (!line.empty()) return MaskSecrets(line);
  std::string_view name = ReadSmall(AT_FDCWD, (process + "/comm").c_str(), text, kCommandBytes);
  return "[" + std::string(TakeUntil(name, '\n')) + "]";
}

std::string SystemCallName(std::string_view text) {
  const std::string_view first = TakeUntil(text, ' ');
  long number = 0;
  const auto [rest, error] = std::from_chars(first.data(), first.data() + first.size(), number);
  if (error != std::errc()) return std::string(first);  // "running", or nothing
  for (const NamedCall& call : kCalls) {
    if (call.number == number) return call.name;
  }
  return std::string(first);
}

Evidence CollectEvidence(ProcessTree& tree, const LineTail& tail, const WaitQuestion& question,
                         ReadingCost& cost) {
  Evidence evidence;
  tree.Walk();
  std::vector<ProcessStat> processes = tree.Processes();
  std::sort(processes.begin(), processes.end(), [](const ProcessStat& one, const ProcessStat& other) {
    return one.start_ticks != other.start_ticks ? one.start_ticks < other.start_ticks : one.pid < other.pid;
  });
  evidence.connections = Connections().HeldBy(processes);
  evidence.stacks = ReadStacks(processes, cost);
  // The youngest are at the bottom of the tree, where the work is stuck.
  if (processes.size() > kMostSeen) {
    evidence.more_processes = processes.size() - kMostSeen;
    processes.erase(processes.begin(), processes.end() - kMostSeen);
  }
  for (const ProcessStat& process : processes) evidence.processes.push_back(Look(process));
  if (processes.size() > kMostProcesses) processes.erase(processes.begin(), processes.end() - kMostProcesses);
  evidence.waits = NameWaits(tree.Processes(), processes, evidence.stacks, question, CommandOf);
  for (const std::string& line : tail.Last()) evidence.output.push_back(MaskSecrets(line));
  return evidence;
}

std::string ExplanationOf(const Evidence& evidence, hang::Class hang_class) {
  if (hang_class == hang::Class::Deadlock) return {};
  if (evidence.machine) {
    if (std::string explanation = WhatExplains(*evidence.machine); !explanation.empty()) return explanation;
  }
  switch (hang_class) {
    case hang::Class::Idle:
    case hang::Class::Busy:
      return evidence.waits.clause;
    case hang::Class::Looping:
      return evidence.repeats.clause;
    default:
      return {};
  }
}

}  // namespace imagebatch::runner
