#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/rare.h"
#include "cluster/objects/views.h"
#include "cluster/pods/pod_events.h"
#include "cluster/pods/watched_evidence.h"
#include "cluster/store/channel.h"
#include "cluster/store/event_budget.h"
#include "cluster/store/timers.h"
#include "cluster/watch/hang_watch.h"
#include "metrics/snapshot.h"

namespace imagebatch::cluster {

/// Watches the Pods of no batch that have the label imagebatch.dev/watch: what is seen of them goes in, what
/// is to be asked and told goes out. A verdict becomes an Event on the Pod, a record of its controller and a
/// metric. Nothing of a Pod is ended, changed or kept but that: after a restart all is found again from the
/// Pods and their logs. A Pod that cannot be watched is told so by one Event, and has no verdict; so is one
/// whose runner has never answered. A healthy one costs no request, and memory for what is seen of it.
class WatchedPods {
 public:
  explicit WatchedPods(Requests& requests);

  void Observe(const WatchedPodSeen& seen, Now now);
  /// What the list does not hold is gone at its end, where it is not younger than `version`.
  void OnListBegun();
  void OnListEnded(Version version);

  void Step(Now now);
  std::optional<SteadyTime> Next() const;

  /// What a scrape shows of them; the same object as long as nothing has changed.
  std::shared_ptr<const metrics::PodsSample> Sample();
  /// Of each purpose that fails: since when.
  std::map<Purpose, Time> FailingSince() const { return channel_.FailingSince(); }

 private:
  struct Entry {
    WatchedPod seen;
    HangWatch hang;
    Rare<Verdict> told;
    Time started{};  // of the container that `hang` is about
    EventBudget budget;
    bool listed = true;      // in the list that is arriving
    bool unwatched = false;  // that it cannot be watched has been told
  };

  void Look(const std::string& uid, Entry& entry, Now now);
  void ReadLog(const std::string& uid, const Entry& entry, kube::Request request);
  void Show(const std::string& uid, Entry& entry, Now now);
  void TellUnwatched(Entry& entry, const std::string& why, Now now);
  void TellRefused(Now now);
  void Forget(const std::string& uid);
  void Changed() { sample_.reset(); }

  Channel channel_;
  PodEvents events_;
  WatchedEvidence evidence_;
  std::unordered_map<std::string, Entry> pods_;  // by UID
  Timers timers_;                                // by UID
  std::shared_ptr<const metrics::PodsSample> sample_;
};

}  // namespace imagebatch::cluster
