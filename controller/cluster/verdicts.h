#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "batch/expand.h"
#include "batch/types.h"
#include "cluster/evidence_keeper.h"
#include "cluster/hang_watch.h"
#include "cluster/requests.h"
#include "cluster/stall_watch.h"
#include "cluster/timers.h"
#include "cluster/views.h"

namespace imagebatch::cluster {

/// What is seen of one attempt.
struct SeenAttempt {
  uint32_t build = 0;
  int attempt = 1;
  std::optional<JobView> job;  // once it is known to exist
  std::optional<PodView> pod;
};

/// A verdict has come, changed or gone.
struct HangChange {
  std::string job;
  uint32_t build = 0;
  bool hung = false;  // false: it goes on again
  HangVerdict verdict;
  EvidenceReference evidence;  // both empty where the verdict has none
  std::string pod, node;
  int attempt = 1;
};

/// The verdicts on the attempts of one batch that have not ended: watches each, asks the API server for what
/// its Pod does not tell (a log, Events), and says which of them hang or do not start. Where an attempt has
/// both verdicts, that on its Pod is the one that counts: a Pod that does not end is beyond its build.
class Verdicts {
 public:
  Verdicts(const batch::Batch& batch, const batch::Expansion& expansion, Requests& requests,
           const void* owner, EvidenceKeeper& evidence)
      : batch_(batch), expansion_(expansion), requests_(requests), owner_(owner), evidence_(evidence) {}

  /// The attempt of `job` as it is seen now; to be called whenever that has changed. `seen` stays where it is
  /// until Forget.
  void Look(const std::string& job, const SeenAttempt& seen, Now now);

  /// The evidence of the attempt's verdict could not be stored.
  void NotKept(const std::string& job);

  /// The attempt has ended. Its last verdict.
  std::optional<HangVerdict> Forget(const std::string& job);

  /// Does what is due; costs what is due, not what is watched.
  void Step(Now now);
  std::optional<SteadyTime> Next() const { return timers_.Next(); }

  std::vector<HangChange> TakeChanges() { return std::exchange(changes_, {}); }

  /// Attempts that stand still, may be ended, and by spec.hang.action are to be.
  std::set<std::string> TakeToEnd() { return std::exchange(to_end_, {}); }
  /// The verdict of one of them, if it still is one.
  std::optional<HangVerdict> ToEnd(const std::string& job) const;

  /// The hung ones, by Job name.
  const std::map<std::string, HangChange>& hung() const { return hung_; }
  /// What hung() says has changed since the last call, if only in words.
  bool TakeNews() { return std::exchange(news_, false); }

 private:
  struct Watched {
    const SeenAttempt* seen = nullptr;
    HangWatch hang;
    StallWatch stall;
  };

  void Look(const std::string& job, Watched& watched, Now now);
  void ReadLog(const std::string& job, kube::Request request);
  void ReadEvents(const std::string& job, const std::string& uid);
  void Show(const std::string& job, const Watched& watched);

  const batch::Batch& batch_;
  const batch::Expansion& expansion_;
  Requests& requests_;
  const void* owner_;
  EvidenceKeeper& evidence_;
  std::map<std::string, Watched> watched_;  // by Job name
  Timers timers_;
  int64_t generation_ = 0;  // of the batch whose thresholds the timers were set by
  std::set<std::string> to_end_;
  std::vector<HangChange> changes_;
  std::map<std::string, HangChange> hung_;
  bool news_ = false;
};

}  // namespace imagebatch::cluster
