#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "hang/progress.h"
#include "runner/proc/commands.h"
#include "runner/proc/counters.h"
#include "runner/proc/printers.h"
#include "runner/proc/process_tree.h"
#include "runner/traffic/traffic.h"

namespace imagebatch::runner {

/// What the command has written so far.
struct OutputCounts {
  uint64_t bytes = 0;
  uint64_t lines = 0;
  hang::Said said;
  std::vector<uint64_t> signs = {};  // see ExpectedLines::Seen()
};

/// Takes the samples of the process tree that the verdict is judged by.
class Watch {
 public:
  /// To be made before the command is started (see CgroupCpu).
  /// `signs`: how many lines are expected.
  explicit Watch(hang::TimePoint start, size_t signs = 0) : progress_(start, signs) {}

  /// What the counters stand at before the command is started: there is no tree yet to look at.
  void Begin(hang::TimePoint now) {
    last_look_ = now;
    Count(now, {});
  }
  /// One sample. `own_network_bytes` is what the runner's listener has put on the network so far.
  void Sample(hang::TimePoint now, const OutputCounts& output, uint64_t own_network_bytes);

  /// See hang::ProgressTracker.
  void Excuse(std::chrono::steady_clock::duration time) { progress_.Excuse(time); }

  /// A child of ours has used so much CPU, which is not the build's. `process` is one that still runs, or -1.
  void LeaveOut(double cpu_seconds, pid_t process);

  const hang::Progress& Progress() const { return progress_.Get(); }
  ProcessTree& Tree() { return tree_; }
  /// Whether all was looked at in the sample of `now`; if not, it will be in the next.
  bool IsUpToDate(hang::TimePoint now) { return traffic_.IsUpToDate(now); }
  /// See Traffic.
  bool Connected() const { return traffic_.Connected(); }

  /// The most that one sample, or one process alone, has held.
  uint64_t PeakResidentBytes() const;
  /// Of the whole tree so far, processes that have ended included.
  double CpuSeconds() const;

 private:
  void LookAtProcesses(hang::TimePoint now, const OutputCounts& output);
  void Count(hang::TimePoint now, const OutputCounts& output);
  double LivingSeconds() const;
  double ReapedSeconds() const;

  ProcessTree tree_;
  Commands commands_;
  Printers printers_;
  hang::TimePoint last_look_;
  hang::Said said_;  // at the last look
  CgroupCpu cgroup_cpu_;
  FreshPages fresh_pages_;
  Traffic traffic_;
  hang::ProgressTracker progress_;
  uint64_t peak_resident_bytes_ = 0;
  double cpu_seconds_ = 0;
  double own_seconds_ = 0;                 // of children that are not the build's
  std::optional<double> container_start_;  // what the container's CPU counter stood at in Begin()
};

}  // namespace imagebatch::runner
