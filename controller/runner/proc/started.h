#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace imagebatch::runner {

/// What was started, see hang::Started.
struct StartedProcess {
  std::string command;
  std::string directory;
  std::vector<uint64_t> files;
};

/// Reads it of a process that was started lately. Nothing where it cannot be read, where the process is over,
/// or where it is a copy of its parent (fork) that runs no command of its own (yet).
///
/// Its files are those that it has open for reading alone, and those that its arguments name; regular files,
/// or directories that are named. Left out is what changed in the last two seconds and what stands in a
/// directory for temporary files, for a loop may make one in each turn; and of the open ones what programs
/// load. Bounded in number and size, whatever the process does.
std::optional<StartedProcess> ReadStarted(pid_t process, pid_t parent);

/// The bytes read by its living threads alone, without the children that it reaped, system calls and disk as
/// in IoBytes; nothing where that cannot be read or there are too many threads.
std::optional<uint64_t> ReadByThreads(pid_t process);

}  // namespace imagebatch::runner
