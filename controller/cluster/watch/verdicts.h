#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "batch/types.h"
#include "cluster/objects/builds.h"
#include "cluster/objects/views.h"
#include "cluster/store/channel.h"
#include "cluster/store/event_reader.h"
#include "cluster/store/evidence_keeper.h"
#include "cluster/store/timers.h"
#include "cluster/watch/course.h"
#include "cluster/watch/flagged_list.h"
#include "cluster/watch/hang_watch.h"
#include "cluster/watch/stall_watch.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// An attempt is in another phase than it was.
struct Moved {
  std::string job;
  plan::Phase phase = plan::Phase::Pending;
  std::string why;  // of a held one: by what; printable, bounded
  std::string pod;  // of one that runs, as it was seen then
  Time since{};     // ... and when its container started
};

/// A verdict that an earlier process has told, as the status shows it.
struct ToldVerdict {
  std::string job;
  uint32_t build = 0;
  int attempt = 1;
  Verdict verdict;  // without its reason
  std::string pod, node;
  EvidenceReference evidence;
};

/// The verdicts on the attempts of one batch that have not ended: watches each, asks the API server for what
/// its Pod does not tell (a log, Events), and says which of them hang or are stalled. Where an attempt has
/// both verdicts, that on its Pod is the one that counts: a Pod that does not end is beyond its build.
class Verdicts {
 public:
  Verdicts(const batch::Batch& batch, const Builds& builds, Channel& channel, EvidenceKeeper& evidence);

  /// A verdict on an attempt that has not been looked at yet. It stands until that has told whether it still
  /// holds; if it does it is no news, and keeps its `since`.
  void Resume(const ToldVerdict& told);

  /// The attempt of `job` as it is seen now; to be called whenever that has changed. `seen` stays where it is
  /// until Forget.
  void Look(const std::string& job, const SeenAttempt& seen, Now now);

  /// The evidence of the attempt's verdict could not be stored.
  void NotKept(const std::string& job);

  /// The attempt has ended. Its last verdict on the build; that on a Pod which does not go stands, and is no
  /// news when it is looked at again.
  std::optional<Verdict> End(const std::string& job);
  void Forget(const std::string& job);

  /// Does what is due; costs what is due, not what is watched.
  void Step(Now now);
  std::optional<SteadyTime> Next() const;

  std::vector<VerdictChange> TakeChanges() { return std::exchange(changes_, {}); }

  std::vector<Moved> TakeMoved() { return std::exchange(moved_, {}); }
  /// Attempts that now are over although their Jobs have not ended.
  std::set<std::string> TakeOver() { return std::exchange(over_, {}); }
  /// Attempts that are stalled, may be ended, and by spec.stall.action are to be.
  std::set<std::string> TakeToEnd() { return std::exchange(to_end_, {}); }
  /// The verdict of one of them, if it still is one.
  std::optional<Verdict> ToEnd(const std::string& job) const;

  const FlaggedList& flagged() const { return flagged_; }
  /// How many work: a container of theirs runs, an init container perhaps, and they have no verdict.
  size_t working() const { return working_.size(); }
  /// What flagged() says has changed since the last call, if only in words.
  bool TakeNews() { return std::exchange(news_, false); }

 private:
  struct Watched {
    const SeenAttempt* seen = nullptr;
    std::string pod;  // UID of the one that `hang` is about
    HangWatch hang;
    StallWatch stall;
    std::optional<plan::Phase> phase;  // as it was told last
    Rare<Verdict> told;                // by an earlier process, while nothing else has been found
    bool found = false;                // ... and it has been found again
  };

  void Look(const std::string& job, Watched& watched, Now now);
  void ReadLog(const std::string& job, kube::Request request);
  std::vector<EventReader::Subject> FollowersOfEvents(EventKind kind) const;
  void OnEvents(const EventReader::Subject& subject, const EventsAnswer& answer, Now now);
  void Show(const std::string& job, Watched& watched);
  void Describe(VerdictChange& change, const Watched& watched);

  const batch::Batch& batch_;
  const Builds& builds_;
  Channel& channel_;
  EvidenceKeeper& evidence_;
  EventReader event_reader_;
  std::map<std::string, Watched> watched_;  // by Job name
  Timers timers_;
  int64_t generation_ = 0;  // of the batch whose thresholds the timers were set by
  std::set<std::string> to_end_, over_;
  std::vector<Moved> moved_;
  std::vector<VerdictChange> changes_;
  FlaggedList flagged_;
  std::unordered_set<std::string> working_;
  bool news_ = false;
};

}  // namespace imagebatch::cluster
