#include "cli/cluster/build_names.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "batch/expand.h"
#include "batch/read.h"
#include "batch/stage_uses.h"
#include "cli/report_source.h"
#include "cli/view/json_access.h"
#include "cluster/objects/names.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;

std::vector<std::string> StagesOf(const json& batch) {
  std::vector<std::string> stages;
  for (const json& stage : ListAt(At(batch, "spec"), "stages")) stages.push_back(TextAt(stage, "name"));
  return stages;
}

/// What of a batch decides which builds it has. The rest may have fields that this program does not know,
/// where the cluster is newer.
json OnlyBuilds(const json& object) {
  const json& spec = At(object, "spec");
  json kept = {{"apiVersion", TextAt(object, "apiVersion")},
               {"kind", TextAt(object, "kind")},
               {"metadata", At(object, "metadata")},
               {"spec", {{"images", At(spec, "images")}, {"stages", json::array()}}}};
  if (spec.contains("variables")) kept["spec"]["variables"] = spec["variables"];
  for (const json& stage : ListAt(spec, "stages")) {
    json& copy = kept["spec"]["stages"].emplace_back(json::object());
    for (const char* field : {"name", "needs", "key", "image", "template"}) {
      if (!At(stage, field).is_null()) copy[field] = stage[field];
    }
  }
  return kept;
}

/// A batch and all of its builds.
struct Expanded {
  batch::Batch batch;
  batch::Expansion expansion;
};

/// By its rows; nothing where they cannot all be read.
std::optional<Expanded> FromRows(Cluster& cluster, const json& object) {
  auto batch = batch::ReadBatch(OnlyBuilds(object));
  if (!batch) return std::nullopt;
  batch::Rows rows(batch::UsedColumns(*batch));
  std::vector<std::string> listed;
  std::vector<batch::Problem> problems;
  batch::ReadInlineRows(batch->images, rows, problems);
  const std::vector<batch::ConfigMapKey> sources = batch::Sources(batch->images);
  for (size_t i = 0; i < sources.size(); ++i) {
    const auto found = cluster.Find(kube::ObjectPath(kConfigMaps, batch->ns, sources[i].name));
    if (!found || !*found) return std::nullopt;
    batch::ReadSource(batch->images, i, TextAt(At(**found, "data"), sources[i].key.c_str()), rows, listed,
                      problems);
  }
  if (!problems.empty()) return std::nullopt;
  auto expansion = batch::Expand(*batch, std::move(rows), listed);
  if (!expansion) return std::nullopt;
  return Expanded{std::move(*batch), std::move(*expansion)};
}

int NumberBehind(const std::string& name) {
  const size_t dash = name.rfind('-');
  int number = 0;
  if (dash != std::string::npos) std::from_chars(name.data() + dash + 1, name.data() + name.size(), number);
  return number;
}

/// `text` as STAGE/NAME, where a Job says that there is such a build. Spares reading the rows of a large
/// batch.
std::optional<BuildName> FindByJob(Cluster& cluster, const json& batch, const std::string& text) {
  const json& metadata = At(batch, "metadata");
  const std::string uid = TextAt(metadata, "uid");
  for (const std::string& stage : StagesOf(batch)) {
    if (stage.empty() || !text.starts_with(stage + "/")) continue;
    const BuildName build{stage, text.substr(stage.size() + 1)};
    const auto jobs = cluster.List(kube::CollectionPath(kJobs, TextAt(metadata, "namespace")),
                                   std::string(cluster::kBatchUidLabel) + "=" + uid + "," +
                                       std::string(cluster::kBuildLabel) + "=" +
                                       cluster::BuildHash(uid, build.stage, build.name));
    if (jobs && !jobs->empty()) return build;
  }
  return std::nullopt;
}

/// Those with the labels, in the order in which they were begun.
Result<std::vector<json>> ListRecords(Cluster& cluster, const std::string& ns, const std::string& selector) {
  auto records = cluster.List(kube::CollectionPath(kRecords, ns), selector);
  if (!records) return records;
  // Lists are sorted by name, in which 10 comes before 2
  std::stable_sort(records->begin(), records->end(), [](const json& one, const json& other) {
    return NumberBehind(TextAt(At(one, "metadata"), "name")) <
           NumberBehind(TextAt(At(other, "metadata"), "name"));
  });
  return records;
}

}  // namespace

std::vector<report::Expected> ExpectedBuilds(Cluster& cluster, const json& batch) {
  const auto expanded = FromRows(cluster, batch);
  return expanded ? ExpectedOf(expanded->batch, expanded->expansion) : std::vector<report::Expected>();
}

Result<std::vector<json>> ReadRecords(Cluster& cluster, const json& batch) {
  const json& metadata = At(batch, "metadata");
  return ListRecords(cluster, TextAt(metadata, "namespace"),
                     std::string(cluster::kBatchUidLabel) + "=" + TextAt(metadata, "uid"));
}

Result<std::vector<json>> ReadResults(Cluster& cluster, const std::string& ns, const std::string& uid) {
  auto records = ListRecords(cluster, ns,
                             std::string(cluster::kBatchUidLabel) + "=" + uid + "," +
                                 std::string(cluster::kRecordLabel) + "=results");
  if (!records) return tl::unexpected(records.error());
  std::vector<json> results;
  for (json& record : *records) {
    const auto list = record.find("results");
    if (list == record.end() || !list->is_array()) continue;
    for (json& result : *list) results.push_back(std::move(result));
  }
  return results;
}

Result<std::vector<BuildName>> KnownBuilds(Cluster& cluster, const json& batch) {
  if (const auto expanded = FromRows(cluster, batch)) {
    std::vector<BuildName> builds;
    builds.reserve(expanded->expansion.builds.size());
    for (const batch::Build& build : expanded->expansion.builds)
      builds.push_back({expanded->batch.stages[build.stage].name, std::string(build.key)});
    return builds;
  }
  const std::string ns = TextAt(At(batch, "metadata"), "namespace"),
                    uid = TextAt(At(batch, "metadata"), "uid");
  std::set<std::pair<std::string, std::string>> seen;
  const auto add = [&](const json& entry) { seen.emplace(TextAt(entry, "stage"), TextAt(entry, "name")); };
  for (const char* list : {"hungBuilds", "stalledBuilds", "slowBuilds", "failedBuilds"}) {
    for (const json& entry : ListAt(At(batch, "status"), list)) add(entry);
  }
  const auto results = ReadResults(cluster, ns, uid);
  if (!results) return tl::unexpected(results.error());
  for (const json& result : *results) add(result);
  const auto jobs =
      cluster.List(kube::CollectionPath(kJobs, ns), std::string(cluster::kBatchUidLabel) + "=" + uid);
  if (!jobs) return tl::unexpected(jobs.error());
  for (const json& job : *jobs) {
    const json& metadata = At(job, "metadata");
    seen.emplace(TextAt(At(metadata, "labels"), std::string(cluster::kStageLabel).c_str()),
                 TextAt(At(metadata, "annotations"), std::string(cluster::kNameAnnotation).c_str()));
  }
  std::vector<BuildName> builds;
  for (const auto& [stage, name] : seen) {
    if (!stage.empty() && !name.empty()) builds.push_back({stage, name});
  }
  return builds;
}

Result<BuildName> FindBuild(Cluster& cluster, const json& batch, const std::string& text) {
  const bool rows_elsewhere = !ListAt(At(At(batch, "spec"), "images"), "configMaps").empty();
  if (auto build = rows_elsewhere ? FindByJob(cluster, batch, text) : std::nullopt) return std::move(*build);
  const auto known = KnownBuilds(cluster, batch);
  if (!known) return tl::unexpected(known.error());
  auto chosen = ChooseBuild(text, *known, StagesOf(batch));
  if (!chosen) return Fail(TextAt(At(batch, "metadata"), "name") + ": " + chosen.error().message);
  return chosen;
}

}  // namespace imagebatch::cli
