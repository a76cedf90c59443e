#pragma once
#include <deque>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "batch/expand.h"
#include "cluster/objects/views.h"
#include "cluster/store/result_line.h"

namespace imagebatch::cluster {

/// The builds of a started batch whose rows are not to be had, as far as the cluster tells: those that have a
/// Job or a stored result, under their own names, and for each further one that `status` counts a build
/// without a name, so that the counts stay true. What has run is followed to its end by this; nothing can be
/// started from it. `batch`: with its stages. Believed are Jobs whose label fits the name they give.
batch::Expansion Salvage(const batch::Batch& batch, const std::vector<JobSeen>& jobs,
                         const std::deque<ResultKey>& stored, const nlohmann::json& status);

}  // namespace imagebatch::cluster
