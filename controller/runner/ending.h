#pragma once
#include "hang/verdict.h"
#include "runner/proc/process_tree.h"

namespace imagebatch::runner {

/// Ends the whole tree, whatever process group or session its parts are in: SIGTERM, after the grace SIGKILL,
/// again and again, for processes may be born meanwhile.
class TreeEnding {
 public:
  TreeEnding(ProcessTree& tree, hang::Duration grace) : tree_(tree), grace_(grace) {}

  bool Begun() const { return begun_; }
  void Begin(hang::TimePoint now);
  /// The same without a grace, or without what is left of it.
  void Kill(hang::TimePoint now);
  /// Takes the step that is due, if one is. Call until no child is left.
  void Advance(hang::TimePoint now);
  hang::TimePoint NextStep() const { return next_step_; }
  /// Something does not die (an uninterruptible wait, another user's process), and enough has been tried.
  bool Failed(hang::TimePoint now) const { return begun_ && now >= give_up_; }

 private:
  ProcessTree& tree_;
  hang::Duration grace_;
  bool begun_ = false;
  hang::TimePoint next_step_;
  hang::TimePoint give_up_;
};

}  // namespace imagebatch::runner
