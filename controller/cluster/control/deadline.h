#pragma once
#include <nlohmann/json.hpp>
#include <optional>

#include "base/time.h"
#include "batch/types.h"

namespace imagebatch::cluster {

/// When spec.activeDeadlineSeconds will have passed; nothing: it does not run. As of a batch/v1 Job, the time
/// begins at the start, stands still while the batch is suspended, and begins anew when that ends, which the
/// condition Suspended of `status` tells, and when builds are to run again. What a finished batch does
/// afterwards is no matter of its deadline.
std::optional<Time> Deadline(const batch::Batch& batch, std::optional<Time> start,
                             std::optional<Time> completion, const nlohmann::json& status);

}  // namespace imagebatch::cluster
