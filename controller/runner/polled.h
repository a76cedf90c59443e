#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "runner/wait_call.h"

namespace imagebatch::runner {

/// The descriptors that a thread waits for in poll, select or epoll, read from its memory or its fdinfo;
/// `thread` is its /proc/PID/task/TID. Empty where there is none, or where it cannot be known.
std::vector<int> PolledDescriptors(pid_t pid, const std::string& thread, const UntimedCall& call);

/// The targets in the text of an epoll instance's fdinfo: "tfd: 5 events: 19 data: 5 pos:0 ino:2b sdev:e".
struct EpollTarget {
  int descriptor = -1;
  uint64_t inode = 0;
};
std::vector<EpollTarget> ParseEpollInfo(std::string_view text);

}  // namespace imagebatch::runner
