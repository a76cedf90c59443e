#pragma once
#include <map>
#include <optional>
#include <vector>

#include "hang/verdict.h"
#include "hang/wait_graph.h"

namespace imagebatch::hang {

/// A living process of the tree, as far as it says whether the build needs a dead part of it.
struct LivingProcess {
  int pid = 0;
  /// Each is something that one of its threads waits for (a child, a pipe): those who alone could give it.
  std::vector<std::vector<int>> awaits = {};
  /// One of its timers has not run out since the dead part was first seen. It may be the limit at which this
  /// process ends what it waits for.
  bool limit_ahead = false;
  /// It waits for time alone, and what it does then nobody can see: it may be what ends a program that takes
  /// too long.
  bool sleeps = false;
};

/// A dead part, divided by whether the build can go on without it.
struct DividedPart {
  std::vector<WaitingProcess> needed;  // the command is in it, or waits for it; nothing visible will end it
  std::vector<WaitingProcess> others;
  bool others_awaited = false;  // a living process waits for one of `others`: they are no mere leftovers
};

/// A dead process will never end, but a build may do without it: what a killed test has left behind is dead,
/// and nobody asks for it; a hung test below `timeout` is ended in time. So the dead part counts only as far
/// as the command waits for it: is in it, or awaits a process that does, one after another. A process on that
/// way may have timers (a builder's daemon ticks), but not a limit that is still ahead; and while anybody
/// else in the tree merely sleeps, nothing is said, for that is how a limit is kept beside a program
/// (`sleep 60; kill`). Only where the command waits for itself alone does none of this matter: to end it is
/// to end the build. `living` are all processes of the tree that are not in `dead`.
DividedPart Divide(int command, std::vector<WaitingProcess> dead, const std::vector<LivingProcess>& living);

/// Remembers limits from reading to reading. Whose limit has run out, or who has slept enough, is about to do
/// what it waited for: to end the dead part, perhaps, which takes a moment on a busy machine. For so long the
/// limit still counts.
class RunOutLimits {
 public:
  static constexpr Duration kMoment{1500};  // and one reading, if that is longer

  /// Whoever of `living`, as read at `now`, has lost its limit only just now has it still; whoever slept and
  /// is gone is added.
  void Hold(TimePoint now, std::vector<LivingProcess>& living);
  void Clear() { known_.clear(); }

 private:
  struct Limit {
    bool ahead = false;                     // at the last reading
    std::optional<TimePoint> run_out = {};  // since when it is not, where it was
    bool Holds(TimePoint now, bool is_ahead);
  };
  struct Known {
    Limit limit, sleep;
    bool present = false;
  };
  std::map<int, Known> known_;  // by pid
};

}  // namespace imagebatch::hang
