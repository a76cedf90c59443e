#pragma once
#include <set>
#include <vector>

#include "hang/dead_part.h"
#include "hang/needed_part.h"
#include "hang/progress.h"
#include "runner/proc/process_tree.h"
#include "runner/waits/living_reader.h"
#include "runner/waits/wait_reader.h"

namespace imagebatch::runner {

/// Looks for a dead part of the tree, from sample to sample, as long as the tree is quiet, and whether the
/// command needs it.
class DeadlockWatch {
 public:
  /// 0: it never looks.
  explicit DeadlockWatch(hang::Duration deadlock_after) : deadlock_after_(deadlock_after) {}

  /// To be called at each sample, with what that has found. Readings are so rare that they take a small share
  /// of a core, however many processes there are; what this one took, in CPU time, is the result.
  std::chrono::steady_clock::duration Look(hang::TimePoint now, const hang::Progress& progress,
                                           const std::vector<ProcessStat>& tree, pid_t command);

  /// What has stood for hang::StandingTime(), divided by whether the command needs it; empty where nothing
  /// has.
  const hang::DividedPart& DeadPart() const { return part_; }

 private:
  std::vector<hang::WaitingProcess> Stood() const {
    return tracker_.StoodFor(hang::StandingTime(deadlock_after_));
  }
  void Clear();
  void Confirm(hang::TimePoint now, const std::vector<ProcessStat>& tree);

  hang::Duration deadlock_after_;
  WaitReader reader_;
  LivingReader living_reader_;
  hang::RunOutLimits limits_;
  hang::DeadPartTracker tracker_;
  hang::DividedPart part_;
  hang::TimePoint next_reading_;
  std::set<int> confirmed_;  // stood when all processes of the machine were looked at
};

}  // namespace imagebatch::runner
