#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/time.h"
#include "cluster/control/reconciler.h"
#include "kube/dispatcher.h"
#include "loop/feeds.h"
#include "loop/spin_guard.h"
#include "metrics/server.h"
#include "metrics/snapshot.h"
#include "registry/asker.h"

namespace imagebatch::cluster {

/// Whether the loop makes its rounds, and whether what it knows is true. `age`: of its last round. `synced`:
/// all was listed once. `blind`: see Feeds::Blind.
metrics::Health HealthOf(Duration age, bool synced, const std::optional<std::string>& blind);

/// Drives the reconciler: one thread takes what the watches and replies bring from a queue, lets the
/// reconciler decide, and hands its requests to the dispatcher.
class Loop {
 public:
  /// `connect`: to registries.
  Loop(kube::ApiClient& client, const kube::RequestStats& stats, const std::string& ns, RunnerSource runner,
       registry::Asker::Connect connect);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs on the caller's thread until Stop is called; then waits a few seconds for the requests under way.
  /// Shut the transport down before the destructor, which waits for what is still on the wire.
  void Run();
  /// From any thread.
  void Stop();

  /// Which registries may be asked; from any thread. Until the first call none is.
  void SetRegistryAccess(registry::Access access) { asker_.SetAccess(std::move(access)); }

  /// For the server's threads.
  std::shared_ptr<const metrics::Snapshot> Snapshot() const;
  metrics::Health Health() const;

 private:
  void Push(Event event);
  std::deque<Event> WaitForEvents();
  void Publish(Now now, std::chrono::duration<double> took);
  Now Time() const { return {clock_.Now(), clock_.Steady()}; }

  const SystemClock clock_;
  const kube::RequestStats& stats_;

  mutable Mutex mutex_;
  Condition wake_;
  std::deque<Event> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<const metrics::Snapshot> snapshot_ GUARDED_BY(mutex_);

  SpinGuard guard_;
  Reconciler reconciler_;
  metrics::Histogram durations_;
  std::atomic<SteadyTime> last_round_;
  std::atomic<bool> synced_ = false;
  std::optional<imagebatch::Time> last_seeing_;  // the last round with a true picture of the cluster

  kube::Dispatcher dispatcher_;
  registry::Asker asker_;
  Feeds feeds_;  // last: its threads use all of the above
};

}  // namespace imagebatch::cluster
