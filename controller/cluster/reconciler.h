#pragma once
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/batch_control.h"
#include "cluster/markers.h"
#include "cluster/requests.h"
#include "cluster/views.h"
#include "metrics/snapshot.h"

namespace imagebatch::cluster {

/// Runs all ImageBatches of a cluster: events in, requests out. One thread, no I/O, no clock of its own: the
/// same code runs in the controller and in the simulation.
class Reconciler {
 public:
  /// `secret`: see Markers.
  Reconciler(std::string runner_image, std::string secret)
      : kit_{std::move(runner_image), Markers(std::move(secret))} {}

  void Observe(const Event& event, Now now);

  /// Decides what is due. The requests may be sent in any order and concurrently; each must be answered by
  /// one Replied event.
  std::vector<Command> Step(Now now);

  /// When to call Step again if no event comes.
  std::optional<SteadyTime> Next(Now now) const;

  /// Whole lists of all collections have been seen.
  bool Synced() const;

  /// Fills in what a scrape shows of the batches and their attempts.
  void Fill(metrics::Snapshot& snapshot) const;

 private:
  struct Entry {
    std::unique_ptr<BatchControl> control;
    bool touched = true;
    bool listed = true;  // in the list that is arriving
  };
  struct Listing {
    bool under_way = false, seen = false;
    bool Known() const { return seen && !under_way; }
  };

  void OnBatch(const BatchSeen& seen, Now now);
  void OnListBegun(Collection collection);
  void OnListEnded(Collection collection, Version version, Now now);
  Entry* Find(const std::string& uid);
  const Listing& ListingOf(Collection collection) const { return listings_[static_cast<size_t>(collection)]; }
  Listing& ListingOf(Collection collection) { return listings_[static_cast<size_t>(collection)]; }

  RunnerKit kit_;
  Requests requests_;
  metrics::Totals totals_;
  std::map<std::string, Entry> batches_;  // by UID
  std::array<Listing, 3> listings_;
  // Jobs and Pods of batches that have not been seen, while the batches are not all known
  std::vector<Event> parked_;
};

}  // namespace imagebatch::cluster
