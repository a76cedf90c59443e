#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cluster/objects/views.h"
#include "cluster/store/purpose.h"
#include "kube/reflector.h"
#include "metrics/snapshot.h"

namespace imagebatch::cluster {

/// Watches the collections the reconciler lives on (ImageBatches, the Jobs and Pods that carry a batch's
/// label, and the Pods of no batch that are to be watched) and passes on what they bring as events. Objects
/// are parsed on the watching threads.
class Feeds {
 public:
  /// `push` is called from several threads. `ns`: watch this namespace only; empty: all.
  Feeds(kube::ApiClient& client, const std::string& ns, const Clock& clock,
        const std::function<void(Event)>& push);
  ~Feeds();
  Feeds(const Feeds&) = delete;
  Feeds& operator=(const Feeds&) = delete;

  std::vector<metrics::WatchSample> Sample() const;

  /// Why what is known of the cluster may be wrong: a watch has been refused for a minute, or has said
  /// nothing for 10 min (the API server sends bookmarks about every minute). Nothing: all is well.
  std::optional<std::string> Blind(Time now) const;
  /// Since when a watch has failed, by purpose.
  std::map<Purpose, Time> FailingSince() const;
  /// The end of the watches is wanted from now on, and is not told.
  void Quiet();

 private:
  class Sink;
  std::vector<std::unique_ptr<Sink>> sinks_;
  std::vector<std::unique_ptr<kube::Reflector>> reflectors_;
};

}  // namespace imagebatch::cluster
