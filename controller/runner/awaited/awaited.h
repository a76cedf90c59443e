#pragma once
#include <functional>
#include <string>
#include <vector>

#include "hang/verdict.h"
#include "runner/awaited/sentences.h"
#include "runner/awaited/standing.h"
#include "runner/proc/process_tree.h"
#include "runner/stacks/stacks.h"

namespace imagebatch::runner {

/// How it is asked.
struct WaitQuestion {
  hang::TimePoint now;
  const Standing& standing;
  bool busy = false;  // CPU is used: who runs explains most
};

/// What each of `shown`, some of the tree, waits for. `stacks`, of the same moment, name the locks; `command`
/// gives a command line, its secrets masked, by the pid. Bounded in size, and in time but for file systems
/// that do not answer: none of those is asked.
WaitList NameWaits(const std::vector<ProcessStat>& tree, const std::vector<ProcessStat>& shown,
                   const Stacks& stacks, const WaitQuestion& question,
                   const std::function<std::string(pid_t)>& command);

}  // namespace imagebatch::runner
