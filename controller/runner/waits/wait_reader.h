#pragma once
#include <optional>
#include <string>
#include <vector>

#include "hang/wait_graph.h"
#include "runner/proc/process_tree.h"
#include "runner/waits/pipe_holders.h"
#include "runner/waits/shared_memory.h"
#include "runner/waits/wait_call.h"

namespace imagebatch::runner {

/// Reads from /proc what the processes of a tree wait for, and who could end it.
///
/// It must never call a living process dead. So whatever cannot be read, is not known or could end by itself
/// counts as alive: another user's process, an unknown system call, a time limit, a timer, a socket, a named
/// FIFO, a terminal, an eventfd; a debugger; a stopped process; a process with a handler for the signals of
/// timers and of I/O, for interval timers cannot be seen.
///
/// It reads in two steps, for most processes are alive and one look at the main thread shows it: first the
/// system calls alone, with everybody who might be dead taken as dead, then the rest of what is left.
class WaitReader {
 public:
  /// The dead part of the tree as it looks now, with all its waits; holders are looked for in `scope`. Empty
  /// on most trees.
  std::vector<hang::WaitingProcess> Read(const Scope& scope);

 private:
  /// A thread in an untimed call.
  struct Thread {
    std::string id;
    std::string text;  // of its system call
    UntimedCall call;
  };
  struct Candidate {
    const ProcessStat* stat = nullptr;
    std::vector<Thread> threads;
  };

  std::optional<Candidate> ReadCalls(const ProcessStat& process) const;
  std::optional<Thread> ReadThread(const std::string& tasks, const char* id) const;
  hang::WaitingProcess FirstLook(const Candidate& candidate) const;
  hang::WaitingProcess Inspect(const Candidate& candidate);
  bool AddStatus(const Candidate& candidate, hang::WaitingProcess& process);

  hang::Wait Resolve(const Candidate& candidate, const Thread& thread);
  hang::Wait Futex(const Candidate& candidate, const UntimedCall& call);
  hang::Wait OnPipes(const Candidate& candidate, const Thread& thread, hang::WaitFor what,
                     const std::vector<int>& descriptors);
  hang::Wait FileLock(const Candidate& candidate, const Thread& thread);
  /// The children whose end the call waits for.
  std::vector<int> Awaited(const ProcessStat& process, const UntimedCall& call) const;
  std::vector<int> Children(const ProcessStat& process) const;
  std::vector<int> SharersOfMemory(const ProcessStat& process) const;
  const PipeHolders& Pipes();
  const SharedMemory& Memory();

  const CallNumbers* numbers_ = nullptr;  // null: nothing can be proved here
  bool looked_ = false;                   // whether it can
  // Of the reading under way; the tables are made when they are first needed.
  const Scope* scope_ = nullptr;
  std::optional<PipeHolders> pipes_;
  std::optional<SharedMemory> memory_;
  std::optional<std::string> locks_;
};

}  // namespace imagebatch::runner
