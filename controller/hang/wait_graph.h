#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace imagebatch::hang {

/// What a thread waits for, as far as that says who could end the wait.
enum class WaitFor {
  Anything,    // time, the network, a terminal, what cannot be read: proves nothing
  OwnLock,     // a futex of its own process
  SharedLock,  // a futex in memory that processes share
  Children,    // the end of a child
  PipeData,    // something to read from a pipe, or its end
  PipeRoom,    // a pipe to be read by others, so that there is room to write
  PipeEvents,  // either, of any of several pipes (poll, select, epoll)
  FileLock,    // a lock on a file
};

/// What one thread waits for, without a time limit.
struct Wait {
  WaitFor what = WaitFor::Anything;
  /// All processes that could end the wait, whether they are in the tree or not; for OwnLock the waiting one
  /// itself and those that share its memory.
  std::vector<int> wakers;
  std::string object;  // the pipes or the file, for words; as found, not yet escaped
};

/// One process of the tree.
struct WaitingProcess {
  int pid = 0;
  /// Names the process and what its threads do: it differs once any of them has run or waits otherwise.
  uint64_t picture = 0;
  std::vector<Wait> waits = {};  // one for each thread; none: the process does not wait
  /// Processes whose signals its handlers could take as news: they could wake any of its threads.
  std::vector<int> signallers = {};
};

/// The dead part of a tree: the greatest set of processes that can be woken by members of the set alone.
///
/// A process is alive if one of its threads waits for Anything, or if anyone who could end one of its waits
/// is alive or unknown (not among `processes`). What is then left waits for itself, and will for ever. The
/// result keeps the order of `processes`.
std::vector<WaitingProcess> DeadPart(std::vector<WaitingProcess> processes);

}  // namespace imagebatch::hang
