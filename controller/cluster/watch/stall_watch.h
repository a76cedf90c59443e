#pragma once
#include <optional>
#include <string>

#include "cluster/objects/evidence.h"
#include "cluster/store/requests.h"
#include "cluster/watch/attempt_state.h"
#include "cluster/watch/stall.h"

namespace imagebatch::cluster {

/// Follows where one attempt stands (StateOf). One that stands for longer than it may in a way of which a
/// verdict is due gets it, and loses it when it moves on; one that has ended, but for what Kubernetes has not
/// noticed or does not end, is over when its limit has passed. Where neither Job nor Pod says why, their
/// Events are asked, not before the limit but for a Job without a Pod, which may be held by a quota; and
/// again a minute later, then after twice the time, up to 10 minutes.
class StallWatch {
 public:
  /// What is seen now. True: the Events of events_of() are to be read.
  bool Look(const JobView& job, const Rare<PodView>& pod, const Limits& limits, Now now);

  /// The object (UID) whose Events tell: the Pod, or where there is none the Job.
  const std::string& events_of() const { return subject_; }
  EventKind kind_of_events() const { return kind_; }
  /// Its Events have been asked for, and may be again.
  bool follows_events() const { return reading_ || answers_ > 0; }
  /// The answer about the Events of object `of`: one that was asked for, or one that has come with another's,
  /// so that it need not be asked for so soon. To be followed by Look.
  void OnEvents(const std::string& of, const EventsAnswer& answer, Now now);

  const AttemptState& state() const { return state_; }

  /// What holds it, for people; empty where nothing does.
  std::string HeldBy() const;

  /// `since` is when it had stood so for as long as it may.
  const Rare<Verdict>& verdict() const { return verdict_; }

  /// It has waited too long, and what for is being asked.
  bool undecided() const { return reading_ && !verdict_; }
  /// The attempt stands still in a way that ending it may mend (MayBeEnded).
  bool may_be_ended() const { return may_be_ended_; }

  /// It is to be concluded from its Pod, though its Job has not ended.
  bool over() const { return over_; }

  /// When Look has something to do that it has not now, for time alone.
  std::optional<SteadyTime> Next() const { return next_; }

 private:
  bool LookAtVerdict(const JobView& job, const Rare<PodView>& pod, std::optional<Duration> limit, Now now);
  bool LookAtHeld(Now now);
  void LookAtEnd(Duration limit, Now now);
  bool Ask(Now now);
  void RenewLater(Now now);
  void ForgetEvents();

  AttemptState state_;
  std::string subject_;
  EventKind kind_ = EventKind::Job;
  Rare<Verdict> verdict_;
  bool may_be_ended_ = false, over_ = false;
  Rare<ObjectEvent> event_;          // the last one that told something
  bool reading_ = false;             // a request for Events is under way
  bool news_ = false;                // one has been answered since the last look
  int answers_ = 0;                  // to requests about this object
  SteadyTime renew_{};               // when what is known counts as old
  std::optional<SteadyTime> ended_;  // since when it is seen to have ended
  std::optional<SteadyTime> next_;
};

}  // namespace imagebatch::cluster
