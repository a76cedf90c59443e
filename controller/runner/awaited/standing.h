#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "hang/verdict.h"
#include "runner/awaited/thread_look.h"

namespace imagebatch::runner {

/// Remembers which threads stood where, early in a time of quiet, so that evidence can say for how long they
/// have not run.
class Standing {
 public:
  static constexpr size_t kThreads = 4096;  // further ones are not remembered
  static constexpr size_t kThreadsOfProcess = 256;

  /// To be called while it is quiet; the first time counts, and the others do nothing.
  void Look(hang::TimePoint now, const std::vector<ProcessStat>& tree);
  /// It is quiet no more.
  void Clear();
  /// For how long at least the thread has not run; nothing where it has, or was not seen.
  std::optional<hang::Duration> StoodFor(hang::TimePoint now, const ProcessStat& process,
                                         const ThreadLook& thread) const;

 private:
  struct Seen {
    pid_t thread;
    uint64_t start_ticks;  // of its process
    uint64_t switches;
  };
  std::vector<Seen> seen_;  // by thread
  std::optional<hang::TimePoint> looked_;
};

}  // namespace imagebatch::runner
