#pragma once
#include <optional>

#include "hang/progress.h"
#include "hang/verdict.h"

namespace imagebatch::hang {

/// Zero turns a check off.
struct Limits {
  Duration idle_after{0};
  Duration deadline{0};
};

/// All that a check may look at.
struct Input {
  TimePoint now;
  TimePoint started;
  Limits limits;
  Progress progress;
};

/// Nothing happens in the whole process tree, for `idle_after`. Needs the CPU signal: without it a silent
/// compiler and a dead one look the same.
std::optional<Finding> CheckIdle(const Input& input);

/// The build has run for `deadline`, whatever it does.
std::optional<Finding> CheckDeadline(const Input& input);

using Check = std::optional<Finding> (*)(const Input&);

/// The checks in order; the first that finds something decides. The more a check says about the cause, the
/// earlier it stands.
inline constexpr Check kBuildChecks[] = {
    CheckIdle,      // nothing happens at all
    CheckDeadline,  // it may do something, but for too long
};

/// The first finding of the chain, or none: the build progresses.
std::optional<Finding> Judge(const Input& input);

}  // namespace imagebatch::hang
