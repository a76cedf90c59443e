#include "report/summary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "report/manifest.h"
#include "report/words.h"

namespace imagebatch::report {
namespace {

using nlohmann::ordered_json;

constexpr size_t kTextLimit = 2048, kSlowest = 5, kGroups = 50, kNamesOfGroup = 20;

/// Field of the manifest, field of the summary.
constexpr std::array<std::pair<const char*, const char*>, 12> kSeconds{{
    {"duration_seconds", "cumulative_duration_seconds"},
    {"remote_check_seconds", "cumulative_remote_check_seconds"},
    {"build_seconds", "cumulative_build_seconds"},
    {"post_build_seconds", "cumulative_post_build_seconds"},
    {"sdk_build_context_seconds", "cumulative_sdk_build_context_seconds"},
    {"sdk_buildx_wall_clock_seconds", "cumulative_sdk_buildx_wall_clock_seconds"},
    {"sdk_cleanup_seconds", "cumulative_sdk_cleanup_seconds"},
    {"sdk_cache_import_seconds", "cumulative_sdk_cache_import_seconds"},
    {"sdk_cache_export_seconds", "cumulative_sdk_cache_export_seconds"},
    {"sdk_image_export_seconds", "cumulative_sdk_image_export_seconds"},
    {"sdk_push_layers_seconds", "cumulative_sdk_push_layers_seconds"},
    {"sdk_export_manifest_seconds", "cumulative_sdk_export_manifest_seconds"},
}};
constexpr std::array<std::pair<const char*, const char*>, 2> kCounts{{
    {"sdk_cache_import_miss_count", "cumulative_sdk_cache_import_misses"},
    {"sdk_cached_step_count", "cumulative_sdk_cached_steps"},
}};

double Rounded(double seconds) { return std::round(seconds * 1000) / 1000; }

ordered_json OrNull(std::optional<double> seconds) {
  return seconds ? ordered_json(Rounded(*seconds)) : ordered_json();
}

ordered_json OrNull(std::optional<Time> time) { return time ? ordered_json(IsoTime(*time)) : ordered_json(); }

class DurationCount {
 public:
  void Add(const Build& build) {
    const auto seconds = build.Seconds();
    if (!seconds) return;
    durations_.cumulative += *seconds;
    if (build.status == Status::Built) built_.push_back(*seconds);
  }

  Durations Take() {
    if (built_.empty()) return durations_;
    std::sort(built_.begin(), built_.end());
    const size_t middle = built_.size() / 2;
    durations_.mean = std::accumulate(built_.begin(), built_.end(), 0.0) / static_cast<double>(built_.size());
    durations_.median = built_.size() % 2 == 1 ? built_[middle] : (built_[middle - 1] + built_[middle]) / 2;
    durations_.longest = built_.back();
    return durations_;
  }

 private:
  Durations durations_;
  std::vector<double> built_;
};

std::vector<StageSummary> SummarizeStages(const Report& report) {
  std::vector<StageSummary> stages;
  for (const std::string& name : report.stages) {
    StageSummary stage;
    stage.stage = name;
    DurationCount durations;
    for (const Build& build : report.builds) {
      if (build.stage != name) continue;
      ++stage.total;
      stage.built += build.status == Status::Built ? 1 : 0;
      stage.skipped += build.status == Status::Skipped ? 1 : 0;
      stage.failed += build.status == Status::Failed ? 1 : 0;
      durations.Add(build);
    }
    stage.durations = durations.Take();
    stages.push_back(std::move(stage));
  }
  return stages;
}

std::vector<size_t> Slowest(const Report& report) {
  std::vector<size_t> built;
  for (size_t i = 0; i < report.builds.size(); ++i) {
    if (report.builds[i].status == Status::Built && report.builds[i].Seconds()) built.push_back(i);
  }
  std::stable_sort(built.begin(), built.end(), [&](size_t a, size_t b) {
    return *report.builds[a].Seconds() > *report.builds[b].Seconds();
  });
  built.resize(std::min(built.size(), kSlowest));
  return built;
}

void AddDurations(ordered_json& object, const Durations& durations) {
  object["average_build_seconds"] = OrNull(durations.mean);
  object["median_build_seconds"] = OrNull(durations.median);
  object["max_build_seconds"] = OrNull(durations.longest);
}

ordered_json StageJson(const StageSummary& stage) {
  ordered_json object;
  object["stage"] = OneLine(stage.stage, kTextLimit);
  object["total"] = stage.total;
  object["built"] = stage.built;
  object["skipped"] = stage.skipped;
  object["failed"] = stage.failed;
  object["cumulative_duration_seconds"] = Rounded(stage.durations.cumulative);
  AddDurations(object, stage.durations);
  return object;
}

/// What names a build here as in the manifest.
ordered_json Named(const Build& build) {
  const ordered_json entry = ManifestEntry(build);
  return {{"base_image", entry["base_image"]},
          {"attempt_count", entry["attempt_count"]},
          {"stage", entry["stage"]},
          {"name", entry["name"]}};
}

ordered_json HangJson(const Report& report, const Group& group) {
  ordered_json builds = ordered_json::array();
  for (const size_t build : group.builds) {
    if (builds.size() == kNamesOfGroup) break;
    builds.push_back(OneLine(report.builds[build].stage + "/" + report.builds[build].name, kTextLimit));
  }
  return {{"class", OneLine(group.title, kTextLimit)},
          {"fingerprint", OneLine(group.fingerprint, kTextLimit)},
          {"summary", OneLine(group.detail, kTextLimit)},
          {"count", group.builds.size()},
          {"builds", std::move(builds)},
          {"first", OrNull(group.first)},
          {"last", OrNull(group.last)}};
}

ordered_json SlowestJson(const Report& report, const Summary& summary) {
  ordered_json slowest = ordered_json::array();
  for (const size_t i : summary.slowest) {
    ordered_json one = Named(report.builds[i]);
    one["duration_seconds"] = OrNull(report.builds[i].Seconds());
    one["status"] = NameOf(report.builds[i].status);
    slowest.push_back(std::move(one));
  }
  return slowest;
}

ordered_json FailedJson(const Report& report) {
  ordered_json failed = ordered_json::array();
  for (const Build& build : report.builds) {
    if (build.status != Status::Failed) continue;
    ordered_json one = Named(build);
    one["error"] = OneLine(build.error, kTextLimit);
    failed.push_back(std::move(one));
  }
  return failed;
}

}  // namespace

Summary Summarize(const Report& report) {
  Summary summary;
  DurationCount durations;
  for (const auto& [field, cumulative] : kSeconds) summary.seconds[cumulative] = 0;
  for (const auto& [field, cumulative] : kCounts) summary.counts[cumulative] = 0;
  for (const Build& build : report.builds) {
    const ordered_json entry = ManifestEntry(build);
    for (const auto& [field, cumulative] : kSeconds) {
      if (entry[field].is_number()) summary.seconds[cumulative] += entry[field].get<double>();
    }
    for (const auto& [field, cumulative] : kCounts) {
      if (entry[field].is_number()) summary.counts[cumulative] += entry[field].get<int64_t>();
    }
    ++summary.status_counts[NameOf(build.status)];
    if (entry["skip_reason"].is_string()) ++summary.skip_reasons[entry["skip_reason"].get<std::string>()];
    if (build.status == Status::Failed)
      ++summary.failure_reasons[build.reason.empty() ? "Failed" : OneLine(build.reason, kTextLimit)];
    const auto started = build.Started(), finished = build.Finished();
    if (started) summary.started = summary.started ? std::min(*summary.started, *started) : *started;
    if (finished) summary.finished = summary.finished ? std::max(*summary.finished, *finished) : *finished;
    durations.Add(build);
  }
  if (summary.started && summary.finished)
    summary.wall_clock = std::max(0.0, UnixSeconds(*summary.finished) - UnixSeconds(*summary.started));
  summary.durations = durations.Take();
  summary.stages = SummarizeStages(report);
  summary.slowest = Slowest(report);
  return summary;
}

std::string SummaryJson(const Report& report) {
  const Summary summary = Summarize(report);
  ordered_json object;
  object["manifest_files"] = 1;
  object["total"] = report.Total();
  object["successful"] = report.Count(Status::Built) + report.Count(Status::Skipped);
  object["built"] = report.Count(Status::Built);
  object["skipped"] = report.Count(Status::Skipped);
  object["failed"] = report.Count(Status::Failed);
  object["retried"] = report.Retried();
  object["started_at"] = OrNull(summary.started);
  object["finished_at"] = OrNull(summary.finished);
  object["wall_clock_seconds"] = OrNull(summary.wall_clock);
  for (const auto& [field, cumulative] : kSeconds)
    object[cumulative] = Rounded(summary.seconds.at(cumulative));
  for (const auto& [field, cumulative] : kCounts) object[cumulative] = summary.counts.at(cumulative);
  AddDurations(object, summary.durations);
  object["status_counts"] = summary.status_counts;
  object["skip_reasons"] = summary.skip_reasons;
  object["slowest_builds"] = SlowestJson(report, summary);
  object["failed_builds"] = FailedJson(report);
  object["batch"] = report.batch.empty() ? ordered_json() : ordered_json(OneLine(report.batch, kTextLimit));
  object["unfinished"] = report.unfinished;
  object["hung"] = report.HungBuilds();
  object["stages"] = ordered_json::array();
  for (const StageSummary& stage : summary.stages) object["stages"].push_back(StageJson(stage));
  object["failure_reasons"] = summary.failure_reasons;
  object["hangs"] = ordered_json::array();
  for (const Group& group : report.hangs) {
    if (object["hangs"].size() == kGroups) break;
    object["hangs"].push_back(HangJson(report, group));
  }
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace imagebatch::report
