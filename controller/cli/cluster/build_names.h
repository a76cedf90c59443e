#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/cluster/cluster.h"
#include "cli/view/build_name.h"

namespace imagebatch::cli {

/// All builds of a batch, read from its rows. Where ConfigMaps of rows cannot be read, those that have left a
/// trace: Jobs, results and the lists of the status.
Result<std::vector<BuildName>> KnownBuilds(Cluster& cluster, const nlohmann::json& batch);

/// The two in one.
Result<BuildName> FindBuild(Cluster& cluster, const nlohmann::json& batch, const std::string& text);

/// The results of a batch in the order in which they were recorded.
Result<std::vector<nlohmann::json>> ReadResults(Cluster& cluster, const std::string& ns,
                                                const std::string& uid);

}  // namespace imagebatch::cli
