#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "runner/proc/files.h"
#include "runner/proc/proc_text.h"

namespace imagebatch::runner {

/// A thread as the kernel shows it at one moment.
struct SeenThread {
  pid_t id = 0;
  pid_t inner_id = 0;  // the same in its own PID namespace
  std::string call;    // /proc/PID/task/TID/syscall; empty: cannot be read
  uint64_t switches = 0;
};

/// A process whose memory can be read, or why it cannot.
struct SeenProcess {
  ProcessStat stat;
  uid_t user = 0;
  Descriptor memory;
  std::string problem;              // why nothing can be said; empty where its memory is open
  bool gone = false;                // it has ended
  std::vector<SeenThread> threads;  // the main thread first, then by id
  size_t more_threads = 0;
};

/// Opens the process's memory and looks at no more than so many of its threads.
SeenProcess See(const ProcessStat& process, size_t most_threads);

/// Whether a thread has not run since it was seen: then what it left in memory has not changed either.
bool HasNotRun(pid_t pid, const SeenThread& seen);

/// The last of the ids in the line "NSpid:" of /proc/PID/task/TID/status; nothing where there is none.
std::optional<pid_t> InnerId(std::string_view status);

/// The word that the thread waits on, where it waits on one.
std::optional<uint64_t> FutexOf(const SeenThread& thread);

}  // namespace imagebatch::runner
