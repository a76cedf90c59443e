#include "kube/plugin_transport.h"

#include <gmock/gmock.h>

#include "kube/cpprest_transport.h"
#include "support/fake_http_server.h"

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::FakeHttpServer;
using ::testing::HasSubstr;
using testing::HttpRequest;
using testing::Reply;

class SetClock final : public Clock {
 public:
  Time Now() const override { return now; }
  SteadyTime Steady() const override { return {}; }

  Time now{1h};
};

class PluginTransportTest : public ::testing::Test {
 protected:
  PluginTransportTest()
      : server_([this](const HttpRequest& request, Reply& reply) {
          const auto sent = request.headers.find("authorization");
          const std::string token = sent == request.headers.end() ? "" : sent->second;
          token == "Bearer " + good_ ? reply.Send(200, "{}") : reply.Send(401, "{}");
        }) {
    TransportConfig config;
    config.server = server_.Url();
    const auto run = [this]() -> Result<Credential> {
      ++runs_;
      if (!trouble_.empty()) return Fail(trouble_);
      return Credential{gives_, "", "", expires_};
    };
    transport_ = MakePluginTransport(config, {run, MakeCpprestTransport, clock_});
  }
  int Get() {
    Request request;
    request.path = "/x";
    const auto response = transport_->Send(request, 10s);
    return response ? response->status : 0;
  }

  std::string good_ = "one", gives_ = "one", trouble_;
  std::optional<Time> expires_;
  int runs_ = 0;
  SetClock clock_;
  FakeHttpServer server_;
  std::unique_ptr<HttpTransport> transport_;
};

TEST_F(PluginTransportTest, AsksOnceForManyRequests) {
  EXPECT_EQ(runs_, 0);
  EXPECT_EQ(Get(), 200);
  EXPECT_EQ(Get(), 200);
  EXPECT_EQ(runs_, 1);
}

TEST_F(PluginTransportTest, AsksAgainOnceTheCredentialHasExpired) {
  expires_ = clock_.now + 10min;
  EXPECT_EQ(Get(), 200);
  clock_.now += 9min;
  EXPECT_EQ(Get(), 200);
  EXPECT_EQ(runs_, 1);
  clock_.now += 1min;
  good_ = gives_ = "two";
  expires_ = clock_.now + 10min;
  EXPECT_EQ(Get(), 200);
  EXPECT_EQ(runs_, 2);
}

TEST_F(PluginTransportTest, AsksAgainOnceAfterARefusal) {
  EXPECT_EQ(Get(), 200);
  good_ = gives_ = "two";
  EXPECT_EQ(Get(), 200);
  EXPECT_EQ(runs_, 2);
  good_ = "three";  // and the plugin does not know it
  EXPECT_EQ(Get(), 401);
  EXPECT_EQ(runs_, 3);
}

TEST_F(PluginTransportTest, AsksAgainForAStreamToo) {
  EXPECT_EQ(Get(), 200);
  good_ = gives_ = "two";
  Request request;
  request.path = "/x?watch=true";
  std::vector<int> heads;
  std::string text;
  const std::atomic<bool> stop = false;
  const auto streamed = transport_->Stream(
      request, 10s, stop,
      [&](const Response& head) {
        heads.push_back(head.status);
        return true;
      },
      [&](std::string_view data) {
        text += data;
        return true;
      });
  ASSERT_TRUE(streamed) << streamed.error().message;
  EXPECT_THAT(heads, ElementsAre(200));
  EXPECT_EQ(text, "{}");
  EXPECT_EQ(runs_, 2);
}

TEST_F(PluginTransportTest, HandsOnWhatThePluginSays) {
  trouble_ = "the plugin failed";
  const auto response = transport_->Send({}, 10s);
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, HasSubstr("the plugin failed"));
  EXPECT_TRUE(server_.Requests().empty());
  trouble_ = "";
  EXPECT_EQ(Get(), 200) << "it is tried again";
}

TEST_F(PluginTransportTest, EndsWithItsTransport) {
  EXPECT_EQ(Get(), 200);
  transport_->Shutdown();
  EXPECT_EQ(Get(), 0);
}

}  // namespace
}  // namespace imagebatch::kube
