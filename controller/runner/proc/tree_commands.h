#pragma once
#include <chrono>
#include <string_view>
#include <vector>

#include "hang/verdict.h"
#include "runner/proc/proc_text.h"

namespace imagebatch::runner {

/// What the command lines of a tree say (hang/patience.h).
class TreeCommands {
 public:
  /// To be called at each sample at which a verdict is near. Reads every command line, so rarely that it
  /// takes a small share of a core. What was quiet stays so for `hold` after its end: what follows has not
  /// had its time yet.
  void Look(hang::TimePoint now, const std::vector<ProcessStat>& tree, hang::Duration hold);
  /// The tree is at work: what was seen no longer holds.
  void Clear();

  /// What one of them does that is known to be quiet; empty where none does.
  std::string_view Quiet() const { return quiet_; }
  /// Whether one of them runs the steps of builds; true where it was not looked.
  bool HasBuilder() const { return has_builder_; }

 private:
  hang::TimePoint next_, held_until_;
  std::string_view quiet_;  // static text
  bool has_builder_ = true;
};

}  // namespace imagebatch::runner
