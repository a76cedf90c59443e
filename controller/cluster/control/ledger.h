#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "batch/types.h"
#include "cluster/control/forecast.h"
#include "cluster/objects/builds.h"
#include "cluster/objects/hang_groups.h"
#include "cluster/objects/outcome.h"
#include "cluster/store/hang_counts.h"
#include "cluster/store/result_line.h"
#include "cluster/store/status_object.h"
#include "cluster/watch/flagged_list.h"
#include "metrics/snapshot.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// What a batch's own limits allow, and what it says of hung builds; that it is suspended, has no time left
/// or asks for existing images is for the caller to add.
plan::Policy PolicyOf(const batch::Batch& batch);

/// What has become of the builds of a batch: made of its stored results, of the attempts that end and of the
/// hangs that are found, for the status, the metrics, and the picture of a run on one machine.
class Ledger {
 public:
  /// All outlive it.
  Ledger(const batch::Batch& batch, const Builds& builds, plan::Plan& plan, Forecast& forecast)
      : batch_(batch), builds_(builds), plan_(plan), forecast_(forecast) {}

  /// A result of an earlier process; the plan learns of it here.
  void Stored(uint32_t build, const ResultKey& key);
  /// The live attempt of `job` hangs or is stalled. The same verdict may be told again.
  void Flagged(const std::string& job, const Verdict& verdict, metrics::Totals& totals, Now now);
  /// The attempt has ended. All hangs of it, for its result.
  HangsByClass TakeHangs(const std::string& job, const Outcome& outcome) { return hangs_.End(job, outcome); }
  /// How the attempt ended; `hang`: HangAtEnd of it.
  void Ended(uint32_t build, int attempt, const Outcome& outcome, const std::optional<Verdict>& hang,
             metrics::Totals& totals);

  /// `flagged` are those that have a verdict now.
  void Fill(Summary& summary, const FlaggedList& flagged) const;
  void Fill(metrics::BatchSample& sample, const FlaggedList& flagged) const;

 private:
  void NoteFailed(uint32_t build, int attempt, const std::string& reason, const std::string& message);
  /// The oldest, at most kListed.
  std::vector<FlaggedEntry> Entries(const FlaggedList& flagged, Verdict::Kind kind) const;

  const batch::Batch& batch_;
  const Builds& builds_;
  plan::Plan& plan_;
  Forecast& forecast_;
  HangCounts hangs_;
  HangGroups groups_;
  std::deque<std::pair<uint32_t, FailedEntry>> failed_;  // the newest, at most kListed
};

}  // namespace imagebatch::cluster
