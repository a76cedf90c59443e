#pragma once
#include <cstddef>
#include <functional>
#include <optional>

#include "base/time.h"
#include "batch/types.h"
#include "cluster/objects/builds.h"
#include "cluster/store/status_object.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// What a raised spec.rerun.round comes to. Pure.
struct RerunJudgement {
  RerunRecord record;    // what is to stand in the status before any build runs again
  size_t builds = 0;     // how many will run again, with the needs that failed
  bool refused = false;  // none will: a name is wrong, or there are too many; the record says which
};

/// Of all names or of none: where one of `wanted.builds` does not exist or has not failed, nothing runs
/// again. A record of some builds takes in those of the record before it whose attempt in that round may not
/// be seen by a new process: `stored` tells for an attempt whether its result is stored.
RerunJudgement JudgeRerun(const batch::Rerun& wanted, const RerunRecord& before, const Builds& builds,
                          const plan::Plan& plan, std::optional<int> max_failed,
                          const std::function<bool(uint32_t build, int attempt)>& stored, Time now);

/// Has the plan count as the record says.
void ApplyRerun(const RerunRecord& record, const Builds& builds, plan::Plan& plan);

}  // namespace imagebatch::cluster
