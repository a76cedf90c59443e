#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/proc/proc_text.h"
#include "runner/waits/wait_call.h"

namespace imagebatch::runner {

/// A thread as the kernel shows it at one moment.
struct ThreadLook {
  pid_t id = 0;
  std::string name;  // as the program has named it; as found
  char state = '?';
  uint64_t switches = 0;           // context switches so far
  std::optional<SystemCall> call;  // absent: it is in none, or that cannot be read
  int problem = 0;                 // errno with which the call could not be read; 0: it could
};

/// The main thread first, then by id; no more than `most`. Empty: it has gone.
std::vector<ThreadLook> LookAtThreads(const ProcessStat& process, size_t most);

/// The name in the text of /proc/PID/task/TID/status, which has it escaped.
std::string_view NameOf(std::string_view status);

/// The signal that has stopped the process, from the text of /proc/PID/stat; 0 where the kernel does not say.
int StopSignal(std::string_view stat);

}  // namespace imagebatch::runner
