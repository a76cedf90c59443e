#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "runner/waits/wait_call.h"

namespace imagebatch::runner {

/// The descriptors that a thread waits for in poll, select or epoll, read from its memory or its fdinfo;
/// `thread` is its /proc/PID/task/TID. Empty where there is none, or where it cannot be known, as of an epoll
/// instance that has anything but pipes.
std::vector<int> PolledDescriptors(pid_t pid, const std::string& thread, const UntimedCall& call);

/// Those that are certainly among the descriptors that the thread waits for; there may be others.
std::vector<int> SomePolledDescriptors(pid_t pid, const std::string& thread, const UntimedCall& call);

/// The signals that a thread waits for in sigtimedwait(): bit n-1 is signal n. (Its status shows them as not
/// blocked meanwhile.) Nothing where its memory cannot be read.
std::optional<uint64_t> AwaitedSignals(pid_t pid, const SystemCall& call);

/// The targets in the text of an epoll instance's fdinfo: "tfd: 5 events: 19 data: 5 pos:0 ino:2b sdev:e".
struct EpollTarget {
  int descriptor = -1;
  uint64_t inode = 0;
};
std::vector<EpollTarget> ParseEpollInfo(std::string_view text);

}  // namespace imagebatch::runner
