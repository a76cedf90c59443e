#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hang/needed_part.h"
#include "hang/verdict.h"
#include "runner/proc/process_tree.h"
#include "runner/proc/sockets.h"
#include "runner/proc/thread_status.h"
#include "runner/waits/pipe_holders.h"
#include "runner/waits/wait_call.h"

namespace imagebatch::runner {

/// Reads from /proc how the living part of a tree waits, to tell whether the build needs its dead part
/// (hang/needed_part.h). What cannot be read waits for nobody, and has a limit ahead.
///
/// A process waits for a child if it is in wait4() or waitid() for it, polls a pidfd of it, or is told of all
/// its children by SIGCHLD and has no other; for a process at the other end of a pipe if it reads or polls
/// that pipe. Who polls several things or is told by signal may as well wait for something else: it must have
/// no connection to the network, and no child that is not held up itself.
///
/// A limit is ahead while a thread stands in a timed call in which it stood at the first reading, or whose
/// length is more than what has passed since; while there is a POSIX timer, as `timeout` has one; and where
/// SIGALRM has a handler of its own, as an alarm needs it. (Go programs, and shells with a trap, handle all
/// signals there are.) A timerfd that is polled makes a call timed. Timed futexes of Go programs are
/// housekeeping of their runtime.
class LivingReader {
 public:
  /// All processes of the tree that are not among `dead`. To be called at each reading at which there are
  /// dead ones.
  std::vector<hang::LivingProcess> Read(hang::TimePoint now, const Scope& scope,
                                        const std::vector<hang::WaitingProcess>& dead);
  /// Nobody is dead any more: limits count from the next reading on.
  void Clear();

 private:
  struct Thread {
    std::string directory;  // /proc/PID/task/TID
    ThreadStatus status;
    SystemCall call;  // without its limit
    bool in_call = false;
    bool timed = false;
    bool stands = false;  // it has not run since the first reading
  };
  hang::LivingProcess Look(const ProcessStat& process);
  std::vector<Thread> Threads(const ProcessStat& process, bool is_go, bool& limit_ahead);
  void AddAwaited(const ProcessStat& process, const Thread& thread, bool is_go, hang::LivingProcess& living);
  bool IsToldOfChildren(const ProcessStat& process, const Thread& thread) const;
  void AddChildren(const ProcessStat& process, const UntimedCall& call, hang::LivingProcess& living) const;
  void AddDescriptors(const ProcessStat& process, const UntimedCall& call, const Thread& thread,
                      hang::LivingProcess& living);
  std::vector<int> LivingChildren(const ProcessStat& process) const;
  bool Connected(const ProcessStat& process);
  const PipeHolders& Pipes();

  const CallNumbers* numbers_ = NativeCalls();
  hang::TimePoint first_reading_;
  std::map<std::pair<int, std::string>, uint64_t> first_switches_;  // by pid and thread
  // Of the reading under way.
  hang::TimePoint now_;
  const Scope* scope_ = nullptr;
  std::optional<PipeHolders> pipes_;
  Connections connections_;
};

}  // namespace imagebatch::runner
