#include "runner/proc/commands.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace imagebatch::runner {
namespace {

/// A tree that uses so much of a core does not wait.
constexpr double kBusyShare = 0.85;
/// Of the looks at a poll, so many find it waiting; a loop that starts one program after the other is found
/// so now and then. Measured with looks every 0.2 s: below 0.02 and above 0.17.
constexpr double kWaitingShare = 0.05;
constexpr double kWaitingAtStart = 0.2;
constexpr double kNewestShare = 0.05;
/// A command that lives for longer is no turn of a poll, though it was there before.
constexpr double kTurnSeconds = 30;
/// A new process may not run its command yet, nor have opened its files.
constexpr unsigned kLooks = 2;

}  // namespace

Commands::Commands() : waiting_(kWaitingAtStart) {}

bool Commands::Waits() const { return waiting_ > kWaitingShare; }

void Commands::Look(const std::vector<ProcessStat>& processes, double cpu_seconds, double seconds,
                    hang::TimePoint now) {
  JudgeWaiting(processes, cpu_seconds, seconds);
  std::swap(seen_, before_);
  seen_.clear();
  looked_at_ = 0;
  uint64_t own = 0, reaped = 0, gone = 0;
  auto old = before_.begin();
  for (const ProcessStat& process : processes) {
    for (; old != before_.end() && old->pid < process.pid; ++old) gone += old->read;
    const bool there = old != before_.end() && old->pid == process.pid;
    const bool same = there && old->start_ticks == process.start_ticks;
    if (there && !same) gone += old->read;
    Seen& seen = seen_.emplace_back();
    if (same) seen = *old;
    if (there) ++old;
    seen.pid = process.pid;
    seen.start_ticks = process.start_ticks;
    seen.seconds += same ? seconds : 0;
    if (seen.looks < kLooks) Start(processes, process, now, seen);
    const uint64_t gain = OwnGain(process, seen, reaped);
    const bool loads = (seen.known || !seen.judged) && seen.seconds < kTurnSeconds && IsPoll();
    if (!loads) own += gain;
  }
  for (; old != before_.end(); ++old) gone += old->read;
  read_bytes_ += own;
  // What was reaped and not seen before
  if (!IsPoll()) read_bytes_ += reaped - std::min(reaped, gone);
}

void Commands::JudgeWaiting(const std::vector<ProcessStat>& processes, double cpu_seconds, double seconds) {
  const bool runs = std::any_of(processes.begin(), processes.end(), [](const ProcessStat& process) {
    return process.state == 'R' || process.state == 'D';
  });
  const bool busy = cpu_seconds - cpu_seconds_ > kBusyShare * seconds;
  cpu_seconds_ = std::max(cpu_seconds_, cpu_seconds);
  waiting_ += kNewestShare * ((runs || busy ? 0 : 1) - waiting_);
}

void Commands::Start(const std::vector<ProcessStat>& processes, const ProcessStat& process,
                     hang::TimePoint now, Seen& seen) {
  const bool first = seen.looks++ == 0;
  bool is_new = false;
  if (looked_at_ < kNewOnes && !IsZombie(process)) {
    ++looked_at_;
    const bool child_of_ours = FindProcess(processes, process.parent) == nullptr;
    if (const auto started = ReadStarted(process.pid, child_of_ours ? 0 : process.parent))
      is_new = Judge(*started, now, seen);
  }
  if (first && (is_new || !IsPoll())) ++births_;
}

bool Commands::Judge(const StartedProcess& started, hang::TimePoint now, Seen& seen) {
  const size_t command = std::hash<std::string>()(started.command);
  const bool again = std::exchange(seen.command, command) == command;
  const auto answer = news_.Add({started.command, started.directory, started.files}, again, now);
  seen.judged = true;
  if (again) return answer.is_new;
  seen.known = !answer.is_new;
  return answer.is_new;
}

uint64_t Commands::OwnGain(const ProcessStat& process, Seen& seen, uint64_t& reaped) {
  if (!process.io) return 0;
  const uint64_t gained = process.io->read - std::min(process.io->read, seen.read);
  uint64_t own = gained;
  if (process.reaped_faults != seen.reaped_faults) {
    const uint64_t by_threads = ReadByThreads(process.pid).value_or(seen.own_read + gained);
    own = std::min(gained, by_threads - std::min(by_threads, seen.own_read));
  }
  reaped += gained - own;
  seen.own_read += own;
  seen.read = process.io->read;
  seen.reaped_faults = process.reaped_faults;
  return own;
}

}  // namespace imagebatch::runner
