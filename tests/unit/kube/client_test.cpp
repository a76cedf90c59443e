#include "kube/client.h"

#include <gtest/gtest.h>

namespace imagebatch::kube {
namespace {

/// Notes how long each request may take.
class Deadlines final : public HttpTransport {
 public:
  std::chrono::milliseconds last{0};

  Result<Response> Send(const Request&, std::chrono::milliseconds deadline) override {
    last = deadline;
    return Response{200, "", {}};
  }
  Result<void> Stream(const Request&, std::chrono::milliseconds, const std::atomic<bool>&,
                      const std::function<bool(const Response&)>&,
                      const std::function<bool(std::string_view)>&) override {
    return Fail("not used here");
  }
  void Shutdown() override {}
};

TEST(ApiClientTest, OnlyTheReadOfALogHasTheShortDeadline) {
  Deadlines transport;
  RequestStats stats;
  ApiClient client(transport, stats, std::chrono::seconds(30));
  for (const Lane lane : {Lane::Main, Lane::Events, Lane::Logs}) {
    Request request;
    request.path = "/api/v1/pods";
    request.lane = lane;
    ASSERT_TRUE(client.Send(request));
    EXPECT_EQ(transport.last, lane == Lane::Logs ? kLogDeadline : std::chrono::seconds(30));
  }
}

}  // namespace
}  // namespace imagebatch::kube
