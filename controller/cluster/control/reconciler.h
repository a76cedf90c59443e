#pragma once
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "cluster/control/batch_control.h"
#include "cluster/control/parked.h"
#include "cluster/objects/markers.h"
#include "cluster/objects/views.h"
#include "cluster/pods/watched_pods.h"
#include "cluster/store/requests.h"
#include "cluster/store/timers.h"
#include "metrics/snapshot.h"

namespace imagebatch::cluster {

/// Runs all ImageBatches of a cluster, and watches the Pods of no batch that ask for it: events in, requests
/// out. One thread, no I/O, no clock of its own: the same code runs in the controller and in the simulation.
class Reconciler {
 public:
  /// `secret`: see Markers.
  Reconciler(RunnerSource runner, std::string secret)
      : kit_{std::move(runner), Markers(std::move(secret))}, pods_(requests_) {}

  void Observe(const Event& event, Now now);

  /// Decides what is due. The requests may be sent in any order and concurrently; each must be answered by
  /// one Replied event.
  std::vector<Command> Step(Now now);

  /// What registries are to be asked since the last call, after Step; each must be answered by one Asked
  /// event.
  std::vector<registry::Question> TakeQuestions() { return requests_.TakeQuestions(); }

  /// When to call Step again if no event comes.
  std::optional<SteadyTime> Next() const;

  /// Whole lists of all that batches consist of have been seen.
  bool Synced() const;

  /// Fills in what a scrape shows of the batches and their attempts. Costs the batches that have changed, and
  /// a pointer for each of the others.
  void Fill(metrics::Snapshot& snapshot);

 private:
  struct Entry {
    std::unique_ptr<BatchControl> control;
    bool listed = true;                                  // in the list that is arriving
    std::shared_ptr<const metrics::BatchSample> sample;  // nothing: what it shows may have changed
  };
  struct Listing {
    bool under_way = false, seen = false;
    bool Known() const { return seen && !under_way; }
  };

  void On(const BatchSeen& seen, Now now);
  void On(const Observation& seen, Now now);
  void On(const WatchedPodSeen& seen, Now now) { pods_.Observe(seen, now); }
  void On(const Replied& replied, Now now) { requests_.Deliver(replied.id, replied.response, now); }
  void On(const Asked& asked, Now now) { requests_.Deliver(asked.id, asked.answer, now); }
  template <class View>
  void OnView(const Seen<View>& seen, Now now);
  void OnList(const ListBegun& begun, Now now);
  void OnList(const ListEnded& ended, Now now);
  Entry* Find(const std::string& uid);
  void Touch(const std::string& uid, Entry& entry);
  void TouchAll();
  void Forget(const std::string& uid);
  const Listing& ListingOf(Collection collection) const { return listings_[static_cast<size_t>(collection)]; }
  Listing& ListingOf(Collection collection) { return listings_[static_cast<size_t>(collection)]; }

  RunnerKit kit_;
  Requests requests_;
  WatchedPods pods_;
  metrics::Totals totals_;
  std::map<std::string, Entry> batches_;  // by UID
  std::set<std::string> touched_;         // UIDs
  Timers timers_;                         // by UID: when to step those that nothing has touched
  std::optional<Duration> clocks_apart_;  // wall time minus steady time, when the timers were set
  std::array<Listing, kCollections> listings_;
  // Jobs and Pods of batches that have not been seen, while the batches are not all known; by UID
  std::unordered_map<std::string, ParkedObjects> parked_;
};

}  // namespace imagebatch::cluster
