#include "runner/awaited/standing.h"

#include <algorithm>

namespace imagebatch::runner {

void Standing::Look(hang::TimePoint now, const std::vector<ProcessStat>& tree) {
  if (looked_) return;
  looked_ = now;
  for (const ProcessStat& process : tree) {
    if (seen_.size() >= kThreads) break;
    if (IsZombie(process)) continue;
    for (const ThreadLook& thread : LookAtThreads(process, kThreadsOfProcess))
      seen_.push_back({thread.id, process.start_ticks, thread.switches});
  }
  std::sort(seen_.begin(), seen_.end(),
            [](const Seen& one, const Seen& other) { return one.thread < other.thread; });
}

void Standing::Clear() {
  looked_.reset();
  seen_ = {};
}

std::optional<hang::Duration> Standing::StoodFor(hang::TimePoint now, const ProcessStat& process,
                                                 const ThreadLook& thread) const {
  const auto at = std::lower_bound(seen_.begin(), seen_.end(), thread.id,
                                   [](const Seen& seen, pid_t id) { return seen.thread < id; });
  if (!looked_ || at == seen_.end() || at->thread != thread.id) return std::nullopt;
  if (at->start_ticks != process.start_ticks || at->switches != thread.switches) return std::nullopt;
  return std::chrono::floor<hang::Duration>(now - *looked_);
}

}  // namespace imagebatch::runner
