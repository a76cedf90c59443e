#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "batch/types.h"
#include "cluster/objects/views.h"
#include "cluster/store/status_object.h"
#include "cluster/watch/flagged_list.h"
#include "plan/pace.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// What the running time of finished builds tells of the others: which are slow, and when the batch will end.
/// Hung builds are neither: nobody knows when they go on.
class Forecast {
 public:
  /// Both outlive it.
  Forecast(const batch::Batch& batch, const plan::Plan& plan);

  void Ran(uint32_t build, int attempt, std::string pod, Time since, Now now);
  void Ended(uint32_t build, Now now);
  /// A build succeeded in an attempt of so many seconds.
  void Finished(uint32_t build, double seconds);

  /// Brings both up to date.
  void Step(const FlaggedList& flagged, Now now);
  /// When Step has something to do that it has not now, for time alone.
  std::optional<Time> Next() const { return next_; }
  /// Something that the status shows has changed since the last call.
  bool TakeChange() { return std::exchange(changed_, false); }

  int64_t slow(size_t stage) const { return static_cast<int64_t>(slow_[stage].size()); }
  /// The slow builds, those that have run longest first, at most kListed; `name` is left to the caller.
  std::vector<std::pair<uint32_t, SlowEntry>> SlowBuilds() const;
  const std::optional<plan::Estimate>& end() const { return end_; }

 private:
  struct Running {
    int attempt = 1;
    std::string pod;
  };
  void FindSlow(const FlaggedList& flagged, Now now);
  void EstimateEnd(const FlaggedList& flagged, Now now);

  const batch::Batch& batch_;
  const plan::Plan& plan_;
  std::vector<std::vector<size_t>> needs_;  // of each stage
  plan::Pace pace_;
  std::map<uint32_t, Running> running_;
  std::vector<std::vector<uint32_t>> slow_;  // by stage, the longest first
  std::optional<plan::Estimate> end_;
  Time estimated_{};
  uint64_t flagged_ = 0;         // changes of the hung builds, when the estimate was made
  bool finished_since_ = false;  // something has finished since then
  std::optional<Time> next_;
  bool changed_ = false;
};

}  // namespace imagebatch::cluster
