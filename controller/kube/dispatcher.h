#pragma once
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "kube/client.h"
#include "kube/request_queue.h"

namespace imagebatch::kube {

/// Sends requests concurrently, for a caller that must not wait. It obeys the server: how many are on the
/// wire adapts, Retry-After pauses all of a lane, and a request answered with 429 or 503 is sent again until
/// it gets another answer. A request without an answer is not repeated, since only the caller knows what it
/// may have done. Any thread sends for any lane: there are as many as all lanes may have on the wire.
class Dispatcher {
 public:
  /// Called once for each request, from a worker thread; must be quick.
  using Callback = std::function<void(uint64_t id, Result<Response> result)>;

  /// `seed`: of the jitter. `connections`: the most requests of the lane Main on the wire at once.
  Dispatcher(ApiClient& client, Callback callback, uint64_t seed, int connections = 8);
  ~Dispatcher() { Stop(); }
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Queues a request. `id` is the caller's and comes back with the result. After Stop it fails at once, on
  /// the caller's thread.
  void Submit(uint64_t id, Request request);

  /// Waits until every request has had its callback, at most so long; false where some have not.
  bool Drain(std::chrono::milliseconds at_most);

  /// Sends nothing more. Requests on the wire end as they end: at the client's deadline at the latest, or
  /// with HttpTransport::Shutdown. Those not sent fail. Afterwards every request has had its callback.
  void Stop();

 private:
  void Work() EXCLUDES(mutex_);
  void WakeAnother() REQUIRES(mutex_);

  ApiClient& client_;
  const Callback callback_;
  Mutex mutex_;
  Condition wake_;   // a worker: there may be a request to send
  Condition empty_;  // Drain
  RequestQueue queue_ GUARDED_BY(mutex_);
  // Requests that workers are at, from being taken to the end of their callback
  int delivering_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> workers_;
};

}  // namespace imagebatch::kube
