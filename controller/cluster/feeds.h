#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"
#include "cluster/views.h"
#include "kube/reflector.h"
#include "metrics/snapshot.h"

namespace imagebatch::cluster {

/// Watches the collections the reconciler lives on (ImageBatches, and the Jobs and Pods that carry a batch's
/// label) and passes on what they bring as events. Objects are parsed on the watching threads.
class Feeds {
 public:
  /// `push` is called from several threads. `ns`: watch this namespace only; empty: all.
  Feeds(kube::ApiClient& client, const std::string& ns, const Clock& clock, std::function<void(Event)> push);
  ~Feeds();
  Feeds(const Feeds&) = delete;
  Feeds& operator=(const Feeds&) = delete;

  std::vector<metrics::WatchSample> Sample() const;

 private:
  class Sink;
  std::vector<std::unique_ptr<Sink>> sinks_;
  std::vector<std::unique_ptr<kube::Reflector>> reflectors_;
};

}  // namespace imagebatch::cluster
