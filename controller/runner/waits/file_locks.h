#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "runner/proc/descriptors.h"

namespace imagebatch::runner {

/// A lock that somebody waits for, as /proc/locks (proc(5)) shows it.
struct HeldLock {
  int process = 0;        // its holder; only where the lock belongs to a process (POSIX)
  std::string_view file;  // "08:01:131": how the kernel names the file
};

/// The locks on the file `inode` that process `pid` waits for, from the text of /proc/locks.
std::vector<HeldLock> LocksWaitedFor(std::string_view locks, int pid, uint64_t inode);

/// The processes that could let go of `lock`: its process, or all that hold a descriptor it belongs to. Empty
/// where nobody can be seen to hold it.
std::vector<int> HoldersOf(const HeldLock& lock, const Scope& scope);

}  // namespace imagebatch::runner
