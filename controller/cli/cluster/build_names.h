#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/cluster/cluster.h"
#include "cli/view/build_name.h"
#include "report/attempt.h"

namespace imagebatch::cli {

/// All builds of a batch, read from its rows. Where ConfigMaps of rows cannot be read, those that have left a
/// trace: Jobs, results and the lists of the status.
Result<std::vector<BuildName>> KnownBuilds(Cluster& cluster, const nlohmann::json& batch);

/// The two in one.
Result<BuildName> FindBuild(Cluster& cluster, const nlohmann::json& batch, const std::string& text);

/// All builds of a batch with what they need, read from its rows; empty where those cannot all be read.
std::vector<report::Expected> ExpectedBuilds(Cluster& cluster, const nlohmann::json& batch);

/// The ImageBatchRecords of a batch, results and evidence, in the order in which they were begun.
Result<std::vector<nlohmann::json>> ReadRecords(Cluster& cluster, const nlohmann::json& batch);

/// The results of a batch in the order in which they were recorded.
Result<std::vector<nlohmann::json>> ReadResults(Cluster& cluster, const std::string& ns,
                                                const std::string& uid);

}  // namespace imagebatch::cli
