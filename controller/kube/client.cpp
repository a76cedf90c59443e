#include "kube/client.h"

#include <algorithm>

namespace imagebatch::kube {

Result<Response> ApiClient::Send(const Request& request) {
  const auto deadline = request.lane == Lane::Logs ? std::min(deadline_, kLogDeadline) : deadline_;
  auto response = transport_.Send(request, deadline);
  stats_.Count(request, response ? response->status : 0);
  return response;
}

Result<void> ApiClient::Stream(const Request& request, std::chrono::milliseconds idle,
                               const std::atomic<bool>& stop,
                               const std::function<bool(const Response& head)>& on_head,
                               const std::function<bool(std::string_view data)>& on_data) {
  int status = 0;
  const auto count_head = [&](const Response& head) {
    status = head.status;
    return on_head(head);
  };
  auto ended = transport_.Stream(request, idle, stop, count_head, on_data);
  // A watch that was answered is a request that succeeded, however it ended; one that was stopped before
  // its answer is none at all
  if (status != 0 || !ended) stats_.Count(request, status);
  return ended;
}

}  // namespace imagebatch::kube
