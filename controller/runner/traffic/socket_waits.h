#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hang/arrivals.h"
#include "runner/proc/proc_text.h"
#include "runner/waits/wait_call.h"

namespace imagebatch::runner {

/// How often a thread has stopped to wait, in the text of its status (proc(5)).
std::optional<uint64_t> VoluntarySwitches(std::string_view text);

/// What comes over sockets whose bytes the kernel does not count for us, those of AF_UNIX and of UDP, as far
/// as it shows in the processes that wait for it.
///
/// read() and readv() count in /proc/PID/io, whatever they read from: what has grown there while a thread of
/// the process waited on such a socket, and was woken, came from it. That is how Go, Node and the JVM read.
/// They read eventfds too, with 8 bytes at a time, whenever a timer changes: so much is taken off each call.
/// recv() and its kind count nowhere: there the thread's wake-ups stand for messages of a size that is not
/// known. A call with a time limit wakes by itself once in so long; a wait for other things as well may have
/// woken for those: such a wake-up is not sure (hang::Arrival).
class SocketWaits {
 public:
  static constexpr size_t kProcesses = 32;  // further ones are not looked at
  static constexpr size_t kThreads = 128;   // of one process

  /// Looks at a process that holds such sockets under these numbers.
  void Look(hang::TimePoint now, const ProcessStat& process, const std::set<int>& descriptors);
  /// What has come so far, for all that were looked at since the last call; the others are forgotten.
  void Collect(std::vector<hang::Connection>& connections);
  /// Whether one of them was at work when it was looked at, on what came, perhaps.
  bool AtWork() const { return at_work_; }

 private:
  /// What a thread waits for, and how often it has been woken.
  struct Thread {
    hang::TimePoint looked;
    uint64_t switches = 0;
    bool waits = false;                        // on one of the sockets
    bool by_read = false, by_receive = false;  // or by poll and the like
    bool alone = false;                        // on nothing that may come from elsewhere
    bool timed = false;                        // with a limit, which may not be known
    std::optional<std::chrono::milliseconds> limit;
    double expiries = 1;  // of the limit, that may have come unseen
  };
  /// By system calls so far, 8 bytes of each call taken off.
  struct Io {
    int64_t read = 0, written = 0;
  };
  struct Process {
    hang::TimePoint looked;
    uint64_t start_ticks = 0;
    std::map<std::string, Thread> threads;
    std::optional<Io> io;
    bool reads = false;               // its runtime is known to read sockets by read()
    hang::Connection counted, blind;  // by bytes, and by wake-ups
    bool present = false;
  };
  /// What was seen of a process since the look before.
  struct Woken {
    bool any = false;  // a thread that waits on a socket has run
    uint64_t sure = 0, unsure = 0;
    bool only_receives = true;
  };
  static std::optional<Io> ReadIo(pid_t pid);
  static uint64_t WokenByTime(const Thread& before, Thread& thread, hang::TimePoint now);
  std::map<std::string, Thread> Threads(const ProcessStat& process, const std::set<int>& descriptors) const;
  Thread LookAt(const ProcessStat& process, const std::string& directory,
                const std::set<int>& descriptors) const;
  static Woken Compare(const Process& before, std::map<std::string, Thread>& threads, hang::TimePoint now);

  const CallNumbers* numbers_ = NativeCalls();
  std::map<pid_t, Process> processes_;
  bool working_ = false, at_work_ = false;  // since the last Collect(), and before it
};

}  // namespace imagebatch::runner
