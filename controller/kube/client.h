#pragma once
#include "kube/request_stats.h"
#include "kube/transport.h"

namespace imagebatch::kube {

/// A kubelet that has not answered by then does not answer; the API server itself would wait 30 s for it.
inline constexpr std::chrono::milliseconds kLogDeadline = std::chrono::seconds(10);

/// What all talk to the API server has in common: a total deadline (a shorter one for logs), and each request
/// counted. Repeats nothing. Thread-safe.
class ApiClient {
 public:
  ApiClient(HttpTransport& transport, RequestStats& stats,
            std::chrono::milliseconds deadline = std::chrono::seconds(30))
      : transport_(transport), stats_(stats), deadline_(deadline) {}

  /// As HttpTransport::Send.
  Result<Response> Send(const Request& request);
  /// As HttpTransport::Stream.
  Result<void> Stream(const Request& request, std::chrono::milliseconds idle, const std::atomic<bool>& stop,
                      const std::function<bool(const Response& head)>& on_head,
                      const std::function<bool(std::string_view data)>& on_data);

 private:
  HttpTransport& transport_;
  RequestStats& stats_;
  const std::chrono::milliseconds deadline_;
};

}  // namespace imagebatch::kube
