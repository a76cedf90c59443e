#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

/// An ImageBatch as people look at it. All of its texts are untrusted; whoever shows them bounds and escapes
/// them.
namespace imagebatch::cli {

/// Builds by state; each is in exactly one.
struct BuildCounts {
  int64_t total = 0, waiting = 0, queued = 0, held = 0, pending = 0, running = 0;
  int64_t succeeded = 0, skipped = 0, failed = 0;

  int64_t Done() const { return succeeded + skipped + failed; }
};

struct StageStatus {
  std::string name;
  BuildCounts counts;
};

/// An entry of one of the lists of the status. What a list does not have stays empty.
struct ListedBuild {
  std::string stage, name;
  int64_t attempt = 0;
  std::string class_name;  // of hung and stalled builds
  std::string reason;      // of failed ones
  std::string message;
  std::string pod, node;
  std::string evidence;       // the ImageBatchRecord that holds it
  std::optional<Time> since;  // hung, stalled: when that was found; slow: when it began
  double median_seconds = 0;  // of slow ones: of its stage
};

struct HangGroupStatus {
  std::string class_name, fingerprint, summary;
  int64_t count = 0, hanging = 0;
};

struct ConditionStatus {
  bool holds = false;
  std::string reason, message;
};

struct BatchStatus {
  std::string ns, name, uid;
  std::optional<Time> created, started, completed, progressed;
  std::optional<Time> earliest, likely, latest;  // of its end, estimated
  bool current = false;                          // the controller has seen the spec as it is now
  bool suspend = false;                          // as the spec has it
  int64_t parallelism = 0;
  BuildCounts counts;
  int64_t hung = 0, stalled = 0, slow = 0, retried = 0;
  std::string rerun;  // what has become of the newest round of spec.rerun
  std::vector<StageStatus> stages;
  std::vector<ListedBuild> hung_builds, stalled_builds, slow_builds, failed_builds;  // at most 20 each
  std::vector<HangGroupStatus> hang_groups;
  /// Names of the stages whose hung builds are ended by themselves (hang.action Retry or Fail).
  std::vector<std::string> ending_stages;

  /// One that is not there does not hold.
  ConditionStatus Condition(std::string_view type) const;
  /// Its state in one word, as `kubectl get ib` shows it: Pending, Running, Hung, Stalled, Degraded,
  /// Suspended, Failed or Complete.
  std::string State() const;
  bool Finished() const { return current && (Condition("Complete").holds || Condition("Failed").holds); }

  std::vector<std::pair<std::string, ConditionStatus>> conditions;
};

/// Reads one ImageBatch. Whatever is missing or of another type keeps its default.
BatchStatus ReadBatchStatus(const nlohmann::json& object);

}  // namespace imagebatch::cli
