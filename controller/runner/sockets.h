#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "runner/proc_text.h"

namespace imagebatch::runner {

/// How many established TCP connections the processes hold, those of loopback included; absent where the
/// kernel does not show it. Reads every descriptor: for evidence, not for samples.
std::optional<size_t> CountConnections(const std::vector<ProcessStat>& processes);

}  // namespace imagebatch::runner
