#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/cluster/build_names.h"
#include "cli/cluster/cluster.h"
#include "cli/view/story.h"

namespace imagebatch::cli {

/// What is asked for of them, by the labels of the build.
Result<std::vector<nlohmann::json>> ListOfBuild(Cluster& cluster, const kube::ResourceType& type,
                                                const nlohmann::json& batch, const BuildName& build);

/// The Pod of an attempt, or of the last one (0); the youngest where there are several. Nothing: there is
/// none.
const nlohmann::json* PodOf(const std::vector<nlohmann::json>& pods, int64_t attempt);

/// GET of the log of a Pod's build; `query`: further parameters.
kube::Request LogRequestOf(const nlohmann::json& pod, const std::string& query);

/// All that the cluster has of a build, with the end of its log: of the last Pod, or of its evidence or its
/// result where that is gone. What may not be read is left out of the log, with the reason in its place.
Result<Story> ReadStory(Cluster& cluster, const nlohmann::json& batch, const BuildName& build);

}  // namespace imagebatch::cli
