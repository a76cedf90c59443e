#pragma once
#include <optional>
#include <string>

#include "cluster/evidence.h"
#include "cluster/requests.h"
#include "cluster/stall.h"

namespace imagebatch::cluster {

/// Follows one attempt until its build runs, and again once its Pod is being deleted. A wait that lasts
/// longer than it may becomes a verdict, and stops being one with the wait. Nobody is asked before that;
/// then, where neither Job nor Pod says why, their Events are, and again every minute.
class StallWatch {
 public:
  /// What is seen now, and how long a wait may last (0: for ever). True: the Events of the Pod, or where
  /// there is none of the Job, are to be read.
  bool Look(const JobView& job, const std::optional<PodView>& pod, Duration limit, Now now);

  /// The Events have been read; nothing where that failed. To be followed by Look.
  void OnEvents(const std::optional<std::string>& list);

  /// `since` is when the wait had lasted as long as it may.
  const std::optional<HangVerdict>& verdict() const { return verdict_; }

  /// The attempt stands still in a way that ending it may mend (MayBeEnded).
  bool may_be_ended() const { return may_be_ended_; }

  /// When Look has something to do that it has not now, for time alone.
  std::optional<SteadyTime> Next() const { return next_; }

 private:
  std::optional<HangVerdict> verdict_;
  bool may_be_ended_ = false;
  bool had_pod_ = false;
  std::optional<ObjectEvent> event_;  // the last one that told something
  bool reading_ = false;              // a request for Events is under way
  bool read_ = false;                 // one has been answered
  bool news_ = false;                 // ... since the last look
  SteadyTime renew_{};                // when what is known counts as old
  std::optional<SteadyTime> next_;
};

}  // namespace imagebatch::cluster
