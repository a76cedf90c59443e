#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "hang/verdict.h"

namespace imagebatch::runner {

/// How well a wait explains a hang, the best first.
enum class Explains {
  Stopped,
  Disk,
  FileLock,
  Terminal,
  OwnedLock,
  Socket,
  Pipe,  // whose other end nobody in the tree holds
  Time,
  Lock,  // of which the owner is not known
  Other,
  Runs,
  Tree,  // a child, or a pipe of another process of the tree: that one is to be looked at
  Unknown,
};

/// What one thread does, for words.
struct ThreadWait {
  std::string name;  // where it has one of its own
  std::string does;  // "waits for ...", "sleeps", "runs"
  Explains explains = Explains::Unknown;
  std::optional<hang::Duration> stood;  // for so long at least
};

struct ProcessWait {
  pid_t pid = 0;
  std::string command;              // secrets masked
  std::vector<ThreadWait> threads;  // the main thread first
  size_t more_threads = 0;          // not looked at
};

inline constexpr size_t kMostWaits = 8;
inline constexpr size_t kWaitSentenceBytes = 320;
inline constexpr size_t kWaitClauseBytes = 170;

struct WaitList {
  std::vector<std::string> sentences;  // what explains most first; printable
  std::string clause;                  // the first of them, shorter; empty where none explains anything
};

/// One sentence for processes that do the same, at most kMostWaits of kWaitSentenceBytes. `busy`: CPU is
/// used, so that who runs explains most. None of the text needs to be printable.
WaitList WaitSentences(const std::vector<ProcessWait>& processes, bool busy);

}  // namespace imagebatch::runner
