#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "metrics/snapshot.h"

namespace imagebatch::metrics {

struct Check {
  bool ok = false;
  std::string reason;  // one line; shown to whoever asks
};

struct Health {
  Check live;   // the control loop makes its rounds; says nothing about the API server, or an outage there
                // would restart every controller
  Check ready;  // the caches hold what the cluster holds
};

/// Where the pages come from. Called from the server's threads, several at once: each must be thread-safe and
/// quick.
struct Sources {
  std::function<std::shared_ptr<const Snapshot>()> snapshot;  // null before the first one
  std::function<Health()> health;
  std::string version;
};

/// GET and HEAD of /metrics (Prometheus' text format), /healthz and /readyz (200 or 503 with the reason),
/// from construction to destruction. Other paths are 404, other methods 405.
class Server {
 public:
  /// Listens on `address`: "HOST:PORT" with HOST an IP address, "[...]" around IPv6; ":PORT" is every address
  /// of this machine. Port 0 takes a free one.
  static Result<std::unique_ptr<Server>> Start(const std::string& address, Sources sources);
  /// Ends requests under way first; takes up to 2 s.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace imagebatch::metrics
