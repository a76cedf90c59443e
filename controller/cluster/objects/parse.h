#pragma once
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/objects/views.h"

/// Objects of the API server as views of them, read with one pass over the text.
namespace imagebatch::cluster {

/// `object`: one Job, Pod or list of Pods as JSON. Fields that are missing keep their defaults; an error
/// means that the text is no such object, or lacks its name or resourceVersion.
Result<JobView> ParseJob(std::string_view object);
Result<PodView> ParsePod(std::string_view object);
Result<WatchedPod> ParseWatchedPod(std::string_view object);
Result<std::vector<PodView>> ParsePodList(std::string_view list);

/// The number in a resourceVersion; 0 for what is none.
Version ParseVersion(std::string_view text);

}  // namespace imagebatch::cluster
