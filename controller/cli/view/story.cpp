#include "cli/view/story.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "cli/view/json_access.h"
#include "cluster/objects/names.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;

void TakeResult(const json& result, Attempt& attempt) {
  attempt.job = TextAt(result, "job");
  attempt.pod = TextAt(result, "pod");
  attempt.node = TextAt(result, "node");
  attempt.started = TimeAt(result, "started_at");
  attempt.finished = TimeAt(result, "finished_at");
  attempt.state = TextAt(result, "status") == "built" ? "succeeded" : "failed";
  attempt.cause = TextAt(result, "cause");
  attempt.error = TextAt(result, "error");
  if (At(result, "exit_code").is_number_integer()) attempt.exit_code = NumberAt(result, "exit_code");
  attempt.hang = TextAt(result, "class");
  attempt.log_end = TextAt(result, "log_end");
  attempt.phases = ListAt(result, "phases");
  attempt.peak_rss = NumberAt(result, "peak_rss_bytes");
  attempt.cpu_seconds = SecondsAt(result, "cpu_seconds");
  attempt.longest_silence = SecondsAt(result, "longest_silence_seconds");
}

void TakeJob(const json& job, Attempt& attempt) {
  attempt.job = TextAt(At(job, "metadata"), "name");
  attempt.created = TimeAt(At(job, "metadata"), "creationTimestamp");
  if (!attempt.state.empty()) return;  // its result says more
  attempt.state = At(At(job, "spec"), "suspend") == json(true) ? "held" : "waiting for its Pod";
  for (const json& condition : ListAt(At(job, "status"), "conditions")) {
    if (TextAt(condition, "status") != "True") continue;
    const std::string type = TextAt(condition, "type");
    if (type == "Complete") attempt.state = "succeeded";
    if (type == "Failed") {
      attempt.state = "failed";
      attempt.error = TextAt(condition, "reason") + ": " + TextAt(condition, "message");
    }
  }
}

/// The build's container; the first one where none is called so.
const json& BuildStatus(const json& pod) {
  std::string name =
      TextAt(At(At(pod, "metadata"), "annotations"), std::string(cluster::kContainerAnnotation).c_str());
  if (name.empty()) name = "build";
  const json& statuses = ListAt(At(pod, "status"), "containerStatuses");
  for (const json& status : statuses) {
    if (TextAt(status, "name") == name) return status;
  }
  static const json none;
  return statuses.empty() ? none : statuses.front();
}

/// Why a Pod does not run yet.
std::string WhyPending(const json& pod) {
  for (const json& condition : ListAt(At(pod, "status"), "conditions")) {
    if (TextAt(condition, "type") == "PodScheduled" && TextAt(condition, "status") == "False")
      return TextAt(condition, "reason") + ": " + TextAt(condition, "message");
  }
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const json& status : ListAt(At(pod, "status"), list)) {
      const json& waiting = At(At(status, "state"), "waiting");
      const std::string reason = TextAt(waiting, "reason"), message = TextAt(waiting, "message");
      if (!reason.empty())
        return "container " + TextAt(status, "name") + ": " + reason +
               (message.empty() ? "" : ": " + message);
    }
  }
  return "";
}

void TakePod(const json& pod, Attempt& attempt) {
  attempt.pod = TextAt(At(pod, "metadata"), "name");
  attempt.node = TextAt(At(pod, "spec"), "nodeName");
  if (attempt.state == "succeeded" || attempt.state == "failed") return;
  const json& state = At(BuildStatus(pod), "state");
  if (At(state, "running").is_object()) {
    attempt.state = "running";
    attempt.started = TimeAt(At(state, "running"), "startedAt");
  } else if (const json& ended = At(state, "terminated"); ended.is_object()) {
    attempt.started = TimeAt(ended, "startedAt");
    attempt.finished = TimeAt(ended, "finishedAt");
    attempt.exit_code = NumberAt(ended, "exitCode");
    attempt.state = attempt.exit_code == 0 ? "succeeded" : "failed";
    attempt.error = attempt.exit_code == 0 ? "" : TextAt(ended, "reason");
  } else if (TextAt(At(pod, "status"), "phase") == "Failed") {
    attempt.state = "failed";
    attempt.error = TextAt(At(pod, "status"), "reason") + ": " + TextAt(At(pod, "status"), "message");
  } else {
    attempt.state = "pending";
    attempt.error = WhyPending(pod);
  }
}

std::optional<ListedBuild> In(const std::vector<ListedBuild>& list, const BuildName& build) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const ListedBuild& one) {
    return one.stage == build.stage && one.name == build.name;
  });
  return found == list.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

int64_t AttemptOf(const json& object) {
  const std::string text =
      TextAt(At(At(object, "metadata"), "labels"), std::string(cluster::kAttemptLabel).c_str());
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

Story TellStory(const json& batch, const BuildName& build, const std::vector<json>& results,
                const std::vector<json>& jobs, const std::vector<json>& pods,
                const std::vector<json>& records) {
  Story story;
  story.ns = TextAt(At(batch, "metadata"), "namespace");
  story.batch = TextAt(At(batch, "metadata"), "name");
  story.build = build;
  for (const json& stage : ListAt(At(batch, "spec"), "stages")) {
    if (TextAt(stage, "name") != build.stage) continue;
    for (const json& need : ListAt(stage, "needs")) {
      if (need.is_string()) story.needs.push_back(need.get<std::string>());
    }
  }
  std::map<int64_t, Attempt> attempts;
  for (const json& result : results) {
    if (TextAt(result, "stage") != build.stage || TextAt(result, "name") != build.name) continue;
    TakeResult(result, attempts[NumberAt(result, "attempt_count")]);
    const json& tags = ListAt(result, "tags");
    if (!tags.empty() && tags.front().is_string()) story.image = tags.front().get<std::string>();
  }
  for (const json& job : jobs) {
    TakeJob(job, attempts[AttemptOf(job)]);
    const std::string image =
        TextAt(At(At(job, "metadata"), "annotations"), std::string(cluster::kImageAnnotation).c_str());
    if (!image.empty()) story.image = image;
  }
  for (const json& pod : pods) TakePod(pod, attempts[AttemptOf(pod)]);
  for (auto& [number, attempt] : attempts) {
    attempt.number = number;
    story.attempts.push_back(std::move(attempt));
  }
  for (const json& record : records) {
    if (TextAt(record, "type") == "Evidence")
      story.evidence.push_back({AttemptOf(record), TextAt(At(record, "metadata"), "name"),
                                TextAt(record, "evidence"), TextAt(record, "log")});
  }
  std::stable_sort(
      story.evidence.begin(), story.evidence.end(),
      [](const EvidenceRecord& one, const EvidenceRecord& other) { return one.attempt < other.attempt; });
  const BatchStatus status = ReadBatchStatus(batch);
  story.hung = In(status.hung_builds, build);
  story.stalled = In(status.stalled_builds, build);
  story.slow = In(status.slow_builds, build);
  return story;
}

std::string StateOf(const Story& story, const BatchStatus& batch) {
  if (story.hung) return "hung";
  if (story.stalled) return "stalled";
  if (story.attempts.empty()) return "waiting";
  const std::string& last = story.attempts.back().state;
  if (last != "failed") return last;
  const bool for_good = batch.Finished() || In(batch.failed_builds, story.build).has_value();
  return for_good ? "failed" : "failed, and may be tried again";
}

}  // namespace imagebatch::cli
