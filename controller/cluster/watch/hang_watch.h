#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "base/result.h"
#include "cluster/objects/evidence.h"
#include "cluster/objects/log_search.h"
#include "cluster/objects/views.h"
#include "cluster/store/requests.h"
#include "cluster/watch/silence_watch.h"

namespace imagebatch::cluster {

/// Follows one running build: its Pod's readiness is what its runner says of its progress. While it is ready
/// nothing is asked of anyone; once it is not, its log is read for the verdict and the evidence, from 15 s
/// before. A build that stays unready without a verdict in its log for 3 probe periods + 30 s is Unobserved:
/// RunnerSilent, or LogUnreadable where the last attempt to read the log failed. A verdict may change its
/// class: that is looked for once a minute. A build whose startupProbe has not passed is not asked by the
/// kubelet either, and so is not unready. A build without a runner is left to SilenceWatch.
class HangWatch {
 public:
  /// The Pod as it is seen now; what is to be read of its log, for OnLog. `silent_after`: see SilenceWatch;
  /// of a build with a runner it is the runner's own affair.
  std::optional<kube::Request> Look(const PodView& pod, std::chrono::seconds silent_after, Now now);

  /// The log has been read, or why it cannot be.
  void OnLog(const Result<kube::Response>& log, Now now);

  /// It is unready or silent, and whether that is a verdict is yet to be found out.
  bool undecided() const { return silence_ ? silence_->undecided() : unready_since_ && !verdict_; }
  const Rare<Verdict>& verdict() const { return silence_ ? silence_->verdict() : verdict_; }
  /// What its runner saw when it reached that verdict; null where there is no such thing.
  const Evidence* evidence() const {
    return verdict_ && search_ && search_->found() ? &*search_->found() : nullptr;
  }

  /// When Look has something to do that it has not now, for time alone.
  std::optional<SteadyTime> Next() const;

 private:
  std::optional<kube::Request> LookAtLine(const PodView& pod, std::chrono::seconds silent_after, Now now);

  Rare<SilenceWatch> silence_;  // of a build without a runner
  Rare<Verdict> verdict_;
  Rare<LogSearch> search_;  // while it is unready
  std::optional<SteadyTime> unready_since_;
  SteadyTime next_read_{};
  bool reading_ = false;
};

}  // namespace imagebatch::cluster
