#include "report/manifest.h"

#include <algorithm>
#include <cmath>

#include "report/words.h"

namespace imagebatch::report {
namespace {

using nlohmann::ordered_json;

constexpr size_t kTextLimit = 2048;

ordered_json OrNull(const std::string& text) {
  return text.empty() ? ordered_json() : ordered_json(OneLine(text, kTextLimit));
}

ordered_json OrNull(std::optional<Time> time) { return time ? ordered_json(IsoTime(*time)) : ordered_json(); }

ordered_json OrNull(std::optional<double> seconds) {
  return seconds ? ordered_json(std::round(*seconds * 1000) / 1000) : ordered_json();
}

ordered_json OrNull(std::optional<int> count) { return count ? ordered_json(*count) : ordered_json(); }

/// BuildKit's times from the phases that the runner measured, where no log was read: only the longest phases
/// are there, so that what is missing is unknown, not zero.
BuildKitTimes FromPhases(const std::vector<std::pair<std::string, double>>& phases) {
  BuildKitTimes times;
  const auto add = [](std::optional<double>& sum, double seconds) { sum = sum.value_or(0) + seconds; };
  for (const auto& [name, seconds] : phases) {
    const auto begins = [&name = name](std::string_view with) { return name.starts_with(with); };
    if (begins("[internal] load build context")) add(times.context, seconds);
    if (begins("importing cache manifest")) add(times.cache_import, seconds);
    if (begins("exporting cache") || begins("exporting to GitHub Actions Cache")) {
      add(times.cache_export, seconds);
    } else if (begins("exporting to ")) {
      add(times.image_export, seconds);
    }
    if (begins("pushing layers")) add(times.push_layers, seconds);
    if (begins("exporting manifest")) add(times.export_manifest, seconds);
  }
  return times;
}

ordered_json Tags(const Build& build) {
  ordered_json tags = ordered_json::array();
  if (build.status == Status::Failed || build.attempts.empty()) return tags;
  for (const std::string& tag : build.attempts.back().tags) tags.push_back(OneLine(tag, kTextLimit));
  return tags;
}

ordered_json SkipReason(const Build& build) {
  if (build.status != Status::Skipped) return nullptr;
  const std::string& reason = build.attempts.back().skip_reason;
  return reason.empty() ? ordered_json("remote_image_exists") : OrNull(reason);
}

void AddBuildKit(ordered_json& entry, const Attempt& last) {
  const BuildKitTimes& read = last.buildkit;
  const BuildKitTimes times = read.cached_steps ? read : FromPhases(last.phases);
  entry["sdk_build_context_seconds"] = OrNull(times.context);
  entry["sdk_buildx_wall_clock_seconds"] = nullptr;  // a build is one command: build_seconds
  entry["sdk_cleanup_seconds"] = nullptr;            // nothing is cleaned up after a build
  entry["sdk_cache_import_seconds"] = OrNull(times.cache_import);
  entry["sdk_cache_import_miss_count"] = OrNull(times.cache_import_misses);
  entry["sdk_cache_export_seconds"] = OrNull(times.cache_export);
  entry["sdk_image_export_seconds"] = OrNull(times.image_export);
  entry["sdk_push_layers_seconds"] = OrNull(times.push_layers);
  entry["sdk_export_manifest_seconds"] = OrNull(times.export_manifest);
  entry["sdk_cached_step_count"] = OrNull(times.cached_steps);
}

}  // namespace

ordered_json ManifestEntry(const Build& build) {
  static const Attempt kNone;
  const Attempt& last = build.attempts.empty() ? kNone : build.attempts.back();
  ordered_json entry;
  entry["time"] = OrNull(last.recorded ? last.recorded : last.finished);
  entry["base_image"] = OneLine(last.base_image.empty() ? build.name : last.base_image, kTextLimit);
  entry["tags"] = Tags(build);
  entry["error"] = OrNull(build.error);
  entry["log_path"] = OrNull(last.log_path);
  entry["status"] = NameOf(build.status);
  entry["skip_reason"] = SkipReason(build);
  entry["attempt_count"] = build.AttemptCount();
  entry["started_at"] = OrNull(build.Started());
  entry["finished_at"] = OrNull(build.Finished());
  entry["duration_seconds"] = OrNull(build.Seconds());
  entry["remote_check_seconds"] = OrNull(last.remote_check_seconds);
  entry["build_seconds"] = build.status == Status::Skipped ? ordered_json() : OrNull(last.seconds);
  entry["post_build_seconds"] = OrNull(last.post_build_seconds);
  AddBuildKit(entry, last);
  entry["stage"] = OneLine(build.stage, kTextLimit);
  entry["name"] = OneLine(build.name, kTextLimit);
  if (!last.digest.empty()) entry["digest"] = OneLine(last.digest, kTextLimit);
  if (const Attempt* hung = build.Hung(); hung != nullptr) {
    entry["class"] = OneLine(hung->hang_class, kTextLimit);
    entry["hung_since"] = OrNull(hung->hung_since);
    entry["fingerprint"] = OrNull(hung->fingerprint);
    entry["summary"] = OrNull(hung->hang_summary);
  }
  return entry;
}

std::string Manifest(const Report& report) {
  std::string text;
  for (const Build& build : report.builds)
    text.append(ManifestEntry(build).dump(-1, ' ', false, ordered_json::error_handler_t::replace))
        .push_back('\n');
  return text;
}

}  // namespace imagebatch::report
