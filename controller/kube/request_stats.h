#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "base/mutex.h"
#include "kube/transport.h"

namespace imagebatch::kube {

/// What a request does, in Kubernetes's own words (the request attributes of its authorization).
struct RequestKind {
  std::string verb;      // get, list, watch, create, update, patch, delete, deletecollection
  std::string resource;  // jobs, pods/log, imagebatches/status; "" for /readyz and other non-resources

  auto operator<=>(const RequestKind&) const = default;  // NOLINT(modernize-use-nullptr): there is none
};

/// Derived from method and path alone. No name of an object gets into it, so there are as many kinds as the
/// program uses.
RequestKind KindOf(const Request& request);

/// Counts requests for imagebatch_apiserver_requests_total{verb,resource,code}. Thread-safe.
class RequestStats {
 public:
  /// The code is that of HTTP, or "<error>" where no reply came (as in client-go's
  /// rest_client_requests_total).
  using Counts = std::map<std::tuple<RequestKind, std::string>, uint64_t>;

  /// One request on the wire that was answered with `status`; 0: no whole reply came.
  void Count(const Request& request, int status);
  Counts Snapshot() const;

 private:
  mutable Mutex mutex_;
  Counts counts_ GUARDED_BY(mutex_);
};

}  // namespace imagebatch::kube
