#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "hang/progress.h"
#include "hang/verdict.h"
#include "hang/wait_graph.h"

namespace imagebatch::hang {

/// Zero turns a check off.
struct Limits {
  Duration deadlock_after{0};
  Duration idle_after{0};
  Duration silent_after{0};
  Duration deadline{0};
};

/// All that a check may look at.
struct Input {
  TimePoint now;
  TimePoint started;
  Limits limits;
  Progress progress;
  // What the build says it is doing (hang/patience.h); empty where that is not known.
  std::string_view phase;
  std::string_view last_line;
  /// What has stood for StandingTime(limits.deadlock_after); empty: nothing has, or it is not known.
  std::vector<WaitingProcess> dead_part = {};
};

/// A part of the process tree can never go on, whatever the clock says, and nothing has happened in the rest
/// of it for `deadlock_after`.
std::optional<Finding> CheckDeadlock(const Input& input);

/// Nothing happens in the whole process tree, for `idle_after`. Needs the CPU signal: without it a silent
/// compiler and a dead one look the same.
std::optional<Finding> CheckIdle(const Input& input);

/// CPU at work, no output, no new processes, no I/O and no more network traffic than a loop makes that asks
/// for something again and again, for `silent_after`. Needs the signals of CPU and I/O: without the latter a
/// compressor looks the same.
std::optional<Finding> CheckBusy(const Input& input);

/// Output that says nothing new, for `silent_after`, and no work beside it: a heartbeat, a spinner, one error
/// again and again. CPU is no excuse, or a loop at full speed would have one; the output is set aside with
/// what it costs, and what is left is judged as in CheckBusy. Needs the signal of I/O.
std::optional<Finding> CheckLooping(const Input& input);

/// The build has run for `deadline`, whatever it does.
std::optional<Finding> CheckDeadline(const Input& input);

using Check = std::optional<Finding> (*)(const Input&);

/// The checks in order; the first that finds something decides. The more a check says about the cause, the
/// earlier it stands.
inline constexpr Check kBuildChecks[] = {
    CheckDeadlock,  // some processes wait for one another alone
    CheckIdle,      // nothing happens at all
    CheckBusy,      // CPU, and nothing comes of it
    CheckLooping,   // output, and it says nothing
    CheckDeadline,  // it may do something, but for too long
};

/// The first finding of the chain, or none: the build progresses.
std::optional<Finding> Judge(const Input& input);

/// When a limit would next be reached if nothing new were seen: a look at that moment makes a verdict
/// punctual, however rare looks are otherwise. Nothing where all limits have passed or are off.
std::optional<TimePoint> NextLimit(const Input& input);

}  // namespace imagebatch::hang
