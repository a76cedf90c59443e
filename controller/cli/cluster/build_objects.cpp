#include "cli/cluster/build_objects.h"

#include <algorithm>

#include "base/percent_encode.h"
#include "cli/view/json_access.h"
#include "cli/view/log_text.h"
#include "cluster/objects/names.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;

constexpr int kOk = 200;
constexpr size_t kMostLog = size_t{64} * 1024;
constexpr int kTail = 40;  // more than is shown: the runner's own lines are left out

/// The end of the log of the last attempt, and where it comes from.
void AddLog(Cluster& cluster, const std::vector<json>& pods, Story& story) {
  if (const json* pod = PodOf(pods, 0); pod != nullptr && HasStarted(*pod)) {
    const std::string name = TextAt(At(*pod, "metadata"), "name");
    kube::Request request =
        LogRequestOf(*pod, "tailLines=" + std::to_string(kTail) + "&limitBytes=" + std::to_string(kMostLog));
    request.most_bytes = 2 * kMostLog;
    const auto response = cluster.Send(request);
    if (response && response->status == kOk) {
      story.log = LogText(response->body, MarkerOf(*pod));
      story.log_from = "Pod " + name;
      return;
    }
    story.log_from = response ? TellRefusal(request, *response, cluster.place()) : response.error().message;
  }
  const auto& kept = story.evidence;
  if (!kept.empty() && !kept.back().log.empty()) {
    story.log = kept.back().log;
    story.log_from = "attempt " + std::to_string(kept.back().attempt) + ", kept with its evidence";
  } else if (!story.attempts.empty() && !story.attempts.back().log_end.empty()) {
    story.log = story.attempts.back().log_end;
    story.log_from = "kept with its result";
  }
}

}  // namespace

Result<std::vector<json>> ListOfBuild(Cluster& cluster, const kube::ResourceType& type, const json& batch,
                                      const BuildName& build) {
  const json& metadata = At(batch, "metadata");
  const std::string uid = TextAt(metadata, "uid");
  auto objects = cluster.List(kube::CollectionPath(type, TextAt(metadata, "namespace")),
                              std::string(cluster::kBatchUidLabel) + "=" + uid + "," +
                                  std::string(cluster::kBuildLabel) + "=" +
                                  cluster::BuildHash(uid, build.stage, build.name));
  if (!objects) return objects;
  // Whatever else has the labels, it is no attempt
  std::erase_if(*objects, [](const json& object) { return AttemptOf(object) < 1; });
  std::stable_sort(objects->begin(), objects->end(),
                   [](const json& one, const json& other) { return AttemptOf(one) < AttemptOf(other); });
  return objects;
}

const json* PodOf(const std::vector<json>& pods, int64_t attempt) {
  const json* best = nullptr;
  const auto key = [](const json& pod) {
    return std::pair(AttemptOf(pod), TextAt(At(pod, "metadata"), "creationTimestamp"));
  };
  for (const json& pod : pods) {
    if (attempt != 0 && AttemptOf(pod) != attempt) continue;
    if (best == nullptr || key(*best) <= key(pod)) best = &pod;
  }
  return best;
}

kube::Request LogRequestOf(const json& pod, const std::string& query) {
  kube::Request request;
  request.lane = kube::Lane::Logs;
  request.path = kube::ObjectPath(kPods, TextAt(At(pod, "metadata"), "namespace"),
                                  TextAt(At(pod, "metadata"), "name"), "log") +
                 "?container=" + PercentEncode(ContainerOf(pod)) + (query.empty() ? "" : "&" + query);
  return request;
}

Result<Story> ReadStory(Cluster& cluster, const json& batch, const BuildName& build) {
  const json& metadata = At(batch, "metadata");
  const auto results = ReadResults(cluster, TextAt(metadata, "namespace"), TextAt(metadata, "uid"));
  if (!results) return tl::unexpected(results.error());
  const auto records = ListOfBuild(cluster, kRecords, batch, build);
  if (!records) return tl::unexpected(records.error());
  const auto jobs = ListOfBuild(cluster, kJobs, batch, build);
  if (!jobs) return tl::unexpected(jobs.error());
  const auto pods = ListOfBuild(cluster, kPods, batch, build);
  if (!pods) return tl::unexpected(pods.error());
  Story story = TellStory(batch, build, *results, *jobs, *pods, *records);
  AddLog(cluster, *pods, story);
  return story;
}

}  // namespace imagebatch::cli
