#include "cli/view/batch_status.h"

#include "cli/view/json_access.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;

BuildCounts ReadCounts(const json& object) {
  return {NumberAt(object, "total"),     NumberAt(object, "waiting"), NumberAt(object, "queued"),
          NumberAt(object, "held"),      NumberAt(object, "pending"), NumberAt(object, "running"),
          NumberAt(object, "succeeded"), NumberAt(object, "skipped"), NumberAt(object, "failed")};
}

std::vector<ListedBuild> ReadBuilds(const json& status, const char* list) {
  std::vector<ListedBuild> builds;
  for (const json& entry : ListAt(status, list)) {
    builds.push_back({TextAt(entry, "stage"), TextAt(entry, "name"), NumberAt(entry, "attempt"),
                      TextAt(entry, "class"), TextAt(entry, "reason"), TextAt(entry, "message"),
                      TextAt(entry, "pod"), TextAt(entry, "node"), TextAt(At(entry, "evidence"), "record"),
                      TimeAt(entry, "since"), SecondsAt(entry, "medianSeconds")});
  }
  return builds;
}

/// Whether hang.action of that policy, or else of the batch's, ends a hung build.
bool Ends(const json& policy, bool otherwise) {
  const std::string action = TextAt(policy, "action");
  return action.empty() ? otherwise : action != "Flag";
}

}  // namespace

ConditionStatus BatchStatus::Condition(std::string_view type) const {
  for (const auto& [known, condition] : conditions) {
    if (known == type) return condition;
  }
  return {};
}

std::string BatchStatus::State() const {
  const std::string word = Condition("Ready").reason;
  return word.empty() ? "Pending" : word;
}

BatchStatus ReadBatchStatus(const json& object) {
  const json& metadata = At(object, "metadata");
  const json& spec = At(object, "spec");
  const json& status = At(object, "status");
  BatchStatus batch;
  batch.ns = TextAt(metadata, "namespace");
  batch.name = TextAt(metadata, "name");
  batch.uid = TextAt(metadata, "uid");
  batch.created = TimeAt(metadata, "creationTimestamp");
  batch.started = TimeAt(status, "startTime");
  batch.completed = TimeAt(status, "completionTime");
  batch.progressed = TimeAt(status, "lastProgressTime");
  const json& estimate = At(status, "estimatedCompletion");
  batch.earliest = TimeAt(estimate, "earliest");
  batch.likely = TimeAt(estimate, "likely");
  batch.latest = TimeAt(estimate, "latest");
  batch.current =
      status.is_object() && NumberAt(status, "observedGeneration") >= NumberAt(metadata, "generation");
  batch.suspend = At(spec, "suspend") == json(true);
  batch.parallelism = NumberAt(spec, "parallelism");
  batch.counts = ReadCounts(status);
  batch.hung = NumberAt(status, "hung");
  batch.stalled = NumberAt(status, "stalled");
  batch.slow = NumberAt(status, "slow");
  batch.retried = NumberAt(status, "retried");
  batch.rerun = TextAt(At(status, "rerun"), "message");
  for (const json& stage : ListAt(status, "stages"))
    batch.stages.push_back({TextAt(stage, "name"), ReadCounts(stage)});
  batch.hung_builds = ReadBuilds(status, "hungBuilds");
  batch.stalled_builds = ReadBuilds(status, "stalledBuilds");
  batch.slow_builds = ReadBuilds(status, "slowBuilds");
  batch.failed_builds = ReadBuilds(status, "failedBuilds");
  for (const json& group : ListAt(status, "hangGroups")) {
    batch.hang_groups.push_back({TextAt(group, "class"), TextAt(group, "fingerprint"),
                                 TextAt(group, "summary"), NumberAt(group, "count"),
                                 NumberAt(group, "hanging")});
  }
  for (const json& condition : ListAt(status, "conditions")) {
    batch.conditions.emplace_back(TextAt(condition, "type"),
                                  ConditionStatus{TextAt(condition, "status") == "True",
                                                  TextAt(condition, "reason"), TextAt(condition, "message")});
  }
  const bool all_end = Ends(At(spec, "hang"), false);
  for (const json& stage : ListAt(spec, "stages")) {
    if (Ends(At(stage, "hang"), all_end)) batch.ending_stages.push_back(TextAt(stage, "name"));
  }
  return batch;
}

}  // namespace imagebatch::cli
