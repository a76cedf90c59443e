#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "batch/expand.h"
#include "cluster/evidence_keeper.h"
#include "cluster/hang_watch.h"
#include "cluster/requests.h"
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
/// its Pod does not tell (a log), and says which of them hang.
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

  /// The hung ones, by Job name.
  const std::map<std::string, HangChange>& hung() const { return hung_; }

 private:
  struct Watched {
    const SeenAttempt* seen = nullptr;
    HangWatch hang;
  };

  void ReadLog(const std::string& job, kube::Request request);
  void Changed(const std::string& job, const Watched& watched);

  const batch::Batch& batch_;
  const batch::Expansion& expansion_;
  Requests& requests_;
  const void* owner_;
  EvidenceKeeper& evidence_;
  std::map<std::string, Watched> watched_;  // by Job name
  Timers timers_;
  std::vector<HangChange> changes_;
  std::map<std::string, HangChange> hung_;
};

}  // namespace imagebatch::cluster
