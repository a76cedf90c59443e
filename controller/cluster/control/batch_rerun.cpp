// A batch of which builds run again.
#include "cluster/control/batch_control.h"

namespace imagebatch::cluster {

/// spec.rerun.round has been raised, and nobody has looked at it yet. One that was lowered asks for nothing.
bool BatchControl::RerunDue() const { return batch_.rerun.round > rerun_.round; }

/// It has failed, its rows are not to be had, and a change of its spec lets builds run again: what ended them
/// is taken back, or builds that are known by their attempts may be tried more often. Of those that failed
/// with a build they need nothing can be told without the rows.
bool BatchControl::GoesOn() const {
  if (!completion_ || failed_reason_.empty()) return false;
  return failed_reason_ != WhyFailed(work_->over()).first || work_->MayTryAgain();
}

/// What has ended the batch was taken back since, and something else keeps its builds from running.
bool BatchControl::FailedOtherwise() const {
  const plan::FailReason over = work_->over();
  return !failed_reason_.empty() && failed_reason_ != WhyFailed(over).first &&
         (over == plan::FailReason::None || over == plan::FailReason::TooManyFailed);
}

// Before the first of them begins, the status says which builds run again, and that the batch is not finished
// any more, both in one write: a new process finds them there, or finds the round not yet looked at.
void BatchControl::RunAgain(Now now) {
  if (!RerunDue() || Ending() || Halted()) return;
  // Without the rows: that nothing has failed can be told all the same
  if (salvaged_ && (!work_->Finished() || work_->Total()[plan::State::Failed] > 0)) return;
  if (!spec_problems_.empty() || input_changed_) return;
  const RerunJudgement judged = work_->Judge(batch_.rerun, rerun_, now);
  rerun_ = judged.record;
  rerun_told_ = judged.builds == 0;
  status_due_ = true;
  if (judged.refused) return events_.Warning("RerunRefused", rerun_.message, now);
  events_.Normal("Rerun", rerun_.message, now);
  if (judged.builds == 0) return;
  completion_.reset();
  failed_reason_.clear();
  failed_message_.clear();
}

}  // namespace imagebatch::cluster
