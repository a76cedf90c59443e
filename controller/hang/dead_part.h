#pragma once
#include <map>
#include <vector>

#include "hang/verdict.h"
#include "hang/wait_graph.h"

namespace imagebatch::hang {

/// While there is work nobody needs to know who waits for whom: a tree is read once it has been quiet for so
/// long, and then again each time so much has passed.
constexpr Duration ReadingPeriod(Duration deadlock_after) { return deadlock_after / 10; }

/// When to read again after a reading at `now` that took `cost` of CPU time: so late that readings take a
/// small share of a core, however many processes there are and whatever the machine takes to show them; but
/// once the moment of the verdict, `limit`, has come, whatever it costs.
TimePoint NextReading(TimePoint now, Duration deadlock_after, std::chrono::steady_clock::duration cost,
                      TimePoint limit);

/// So long the dead part must have stood, by readings, within a quiet time of `deadlock_after`: as much of it
/// as readings surely cover, which begin one period and one sample into it.
constexpr Duration StandingTime(Duration deadlock_after) { return deadlock_after * 4 / 5; }

/// Follows the dead part of the tree from reading to reading.
///
/// A reading of a living tree is no snapshot: while one process is read another may run. But of threads that
/// stood in the same waits, without a single context switch, at each reading over a time, every reading was a
/// snapshot. So only what has stood counts.
class DeadPartTracker {
 public:
  /// A reading: the processes of the tree that may be dead, all at one time. Later than those before.
  void Add(TimePoint at, std::vector<WaitingProcess> processes);
  /// Work goes on, or nothing can be read: what was seen so far proves nothing any more.
  void Clear();

  /// The greatest dead part of which every member has been dead, in the same picture, at all readings of a
  /// time of at least `length` up to the last reading. Empty where there is none.
  std::vector<WaitingProcess> StoodFor(Duration length) const;

 private:
  struct Standing {
    uint64_t picture;
    TimePoint since;
  };
  TimePoint last_reading_;
  std::vector<WaitingProcess> dead_;
  std::map<int, Standing> standing_;  // by pid, for each of dead_
};

}  // namespace imagebatch::hang
