// The whole client against a server that does what a test says.
#include "registry/asker.h"

#include <gmock/gmock.h>

#include <atomic>

#include "kube/cpprest_transport.h"
#include "support/fake_http_server.h"

namespace imagebatch::registry {
namespace {

using namespace std::chrono_literals;
using Kind = Answer::Kind;
using testing::FakeHttpServer;
using ::testing::HasSubstr;
using testing::HttpRequest;
using ::testing::Not;
using testing::Reply;

constexpr const char* kIndex = "application/vnd.oci.image.index.v1+json";
const std::string kSha = "sha256:" + std::string(64, 'b');

Result<std::unique_ptr<kube::HttpTransport>> Connect(const std::string& server) {
  kube::TransportConfig config;
  config.server = server;
  config.foreign = true;
  return kube::MakeCpprestTransport(config);
}

class AskerTest : public ::testing::Test {
 protected:
  void Begin(const std::vector<std::string>& hosts, std::chrono::milliseconds deadline = 5s) {
    asker_.emplace(
        Connect, clock_,
        [this](uint64_t id, Answer answer) {
          const MutexLock lock(mutex_);
          answers_.emplace(id, std::move(answer));
          came_.NotifyAll();
        },
        deadline);
    Access access;
    for (const std::string& host : hosts) ASSERT_TRUE(access.hosts.Add(host)) << host;
    for (const std::string& host : hosts) {
      const std::string name = host.substr(host.find("//") + 2);
      ASSERT_TRUE(
          access.credentials.Add(R"({"auths":{")" + name + R"(":{"username":"me","password":"s3cret"}}})"));
    }
    asker_->SetAccess(std::move(access));
  }
  static std::string Host(const FakeHttpServer& server) { return server.Url().substr(7); }
  uint64_t Submit(const std::string& image) {
    asker_->Submit({++last_, 1, image});
    return last_;
  }
  Answer AnswerOf(uint64_t id) {
    const SteadyTime until = std::chrono::steady_clock::now() + 60s;
    const MutexLock lock(mutex_);
    while (!answers_.contains(id) && came_.WaitUntil(mutex_, until)) {
    }
    const auto at = answers_.find(id);
    EXPECT_TRUE(at != answers_.end()) << "no answer";
    return at == answers_.end() ? Answer() : at->second;
  }
  Answer Ask(const FakeHttpServer& server) { return AnswerOf(Submit(Host(server) + "/team/image:v1")); }

  const SystemClock clock_{};
  Mutex mutex_;
  Condition came_;
  std::map<uint64_t, Answer> answers_ GUARDED_BY(mutex_);
  uint64_t last_ = 0;
  std::optional<Asker> asker_;
};

TEST_F(AskerTest, AnImageIsThereOrNot) {
  std::atomic<int> status = 200;
  const FakeHttpServer server([&](const HttpRequest&, Reply& reply) {
    // A HEAD has the length of what a GET would bring, and no body
    reply.SendRaw("HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Type: " + kIndex +
                  "\r\nDocker-Content-Digest: " + kSha + "\r\nContent-Length: 1234\r\n\r\n");
  });
  Begin({server.Url()});
  const Answer there = Ask(server);
  EXPECT_EQ(there.kind, Kind::There) << there.reason;
  EXPECT_EQ(there.digest, kSha);
  status = 404;
  EXPECT_EQ(Ask(server).kind, Kind::NotThere);
  EXPECT_EQ(server.Requests()[0].method, "HEAD");
  EXPECT_EQ(server.Requests()[0].target, "/v2/team/image/manifests/v1");
  EXPECT_THAT(server.Requests()[0].headers.at("accept"), HasSubstr(kIndex));
  EXPECT_EQ(server.Connections(), 2);
}

TEST_F(AskerTest, ATokenIsUsedAgain) {
  std::atomic<int> tokens = 0;
  std::string url;
  const FakeHttpServer server([&](const HttpRequest& request, Reply& reply) {
    if (request.target.starts_with("/token")) {
      ++tokens;
      return reply.Send(200, R"({"token":"t0k","expires_in":300})");
    }
    const auto header = request.headers.find("authorization");
    if (header == request.headers.end() || header->second != "Bearer t0k")
      return reply.Send(401, "", {{"WWW-Authenticate", "Bearer realm=\"" + url + "/token\",service=\"s\""}});
    reply.Send(404, "");
  });
  url = server.Url();
  Begin({server.Url()});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(server).kind, Kind::NotThere);
  EXPECT_EQ(tokens, 1);
  const auto requests = server.Requests();
  EXPECT_EQ(requests.size(), 5U);
  EXPECT_EQ(requests[1].target, "/token?service=s&scope=repository%3Ateam%2Fimage%3Apull");
  EXPECT_EQ(requests[1].headers.at("authorization"), "Basic bWU6czNjcmV0");
}

TEST_F(AskerTest, FaultsAreToldApart) {
  struct Fault {
    const char* name;
    std::function<void(Reply&)> reply;
    Kind kind;
  };
  const std::vector<Fault> faults = {
      {"401", [](Reply& reply) { reply.Send(401, "SECRET BODY"); }, Kind::Denied},
      {"403", [](Reply& reply) { reply.Send(403, "SECRET BODY"); }, Kind::Denied},
      {"429 in seconds",
       [](Reply& reply) {
         reply.Send(429, "SECRET BODY", {{"Retry-After", "17"}});
       },
       Kind::Throttled},
      {"429 at a date",
       [](Reply& reply) {
         reply.Send(429, "", {{"Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT"}});
       },
       Kind::Throttled},
      {"500", [](Reply& reply) { reply.Send(500, "SECRET BODY"); }, Kind::Unreachable},
      {"503", [](Reply& reply) { reply.Send(503, ""); }, Kind::Unreachable},
      {"wrong type",
       [](Reply& reply) {
         reply.Send(200, "", {{"Content-Type", "text/html"}});
       },
       Kind::Unreachable},
      {"no digest, then a giant body",
       [](Reply& reply) {
         reply.SendRaw("HTTP/1.1 200 x\r\nContent-Type: " + std::string(kIndex) +
                       "\r\nContent-Length: 900000000\r\n\r\n");
         const std::string piece(1 << 20, 'x');
         for (int i = 0; i < 900 && !reply.ClosedWithin(0ms); ++i) reply.SendRaw(piece);
       },
       Kind::Unreachable},
      {"a giant header",
       [](Reply& reply) {
         reply.SendRaw("HTTP/1.1 200 x\r\nX: ");
         const std::string piece(1 << 20, 'x');
         for (int i = 0; i < 900 && !reply.ClosedWithin(0ms); ++i) reply.SendRaw(piece);
       },
       Kind::Unreachable},
      {"a header that never ends",
       [](Reply& reply) {
         reply.SendRaw("HTTP/1.1 200 x\r\nX: y\r\n");
         reply.WaitForClose();
       },
       Kind::Unreachable},
      {"a hang", [](Reply& reply) { reply.WaitForClose(); }, Kind::Unreachable},
      {"a break", [](Reply& reply) { reply.Drop(); }, Kind::Unreachable},
      {"no HTTP", [](Reply& reply) { reply.SendRaw("SSH-2.0-x SECRET BODY\r\n\r\n"); }, Kind::Unreachable},
      {"a redirect to another host",
       [](Reply& reply) {
         reply.Send(307, "", {{"Location", "https://evil.example/x"}});
       },
       Kind::Denied},
      {"a redirect to the metadata",
       [](Reply& reply) {
         reply.Send(307, "", {{"Location", "http://169.254.169.254/latest/meta-data"}});
       },
       Kind::Denied},
      {"a token server elsewhere",
       [](Reply& reply) {
         reply.Send(401, "", {{"WWW-Authenticate", "Bearer realm=\"https://evil.example/token\""}});
       },
       Kind::Denied},
  };
  for (const Fault& fault : faults) {
    const FakeHttpServer server([&](const HttpRequest&, Reply& reply) { fault.reply(reply); });
    Begin({server.Url()}, 1s);
    const SteadyTime begin = std::chrono::steady_clock::now();
    const Answer answer = Ask(server);
    EXPECT_EQ(answer.kind, fault.kind) << fault.name << ": " << answer.reason;
    EXPECT_THAT(answer.reason, Not(HasSubstr("SECRET"))) << fault.name;
    EXPECT_THAT(answer.reason, Not(HasSubstr("s3cret"))) << fault.name;
    EXPECT_FALSE(answer.reason.empty()) << fault.name;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s) << fault.name;
    for (const HttpRequest& request : server.Requests())
      EXPECT_FALSE(request.headers.contains("authorization")) << fault.name;
    asker_.reset();
  }
}

TEST_F(AskerTest, ALoginDoesNotGoAlongWithARedirect) {
  const FakeHttpServer other([](const HttpRequest&, Reply& reply) { reply.Send(404, ""); });
  const FakeHttpServer server([&](const HttpRequest& request, Reply& reply) {
    if (!request.headers.contains("authorization"))
      return reply.Send(401, "", {{"WWW-Authenticate", "Basic realm=\"x\""}});
    reply.Send(307, "", {{"Location", other.Url() + "/elsewhere"}});
  });
  Begin({server.Url(), other.Url()});
  EXPECT_EQ(Ask(server).kind, Kind::NotThere);
  ASSERT_EQ(other.Requests().size(), 1U);
  EXPECT_EQ(other.Requests()[0].target, "/elsewhere");
  EXPECT_FALSE(other.Requests()[0].headers.contains("authorization"));
}

TEST_F(AskerTest, OneThatHangsHoldsUpNoOther) {
  const FakeHttpServer slow([](const HttpRequest&, Reply& reply) { reply.WaitForClose(); });
  const FakeHttpServer quick([](const HttpRequest&, Reply& reply) { reply.Send(404, ""); });
  Begin({slow.Url(), quick.Url()}, 30s);
  for (int i = 0; i < 20; ++i) Submit(Host(slow) + "/a:v1");
  ASSERT_TRUE(slow.WaitForRequests(QuestionQueue::kConnections));
  EXPECT_EQ(Ask(quick).kind, Kind::NotThere);
  EXPECT_EQ(slow.Requests().size(), size_t{QuestionQueue::kConnections});
  asker_->Stop();
  const MutexLock lock(mutex_);
  EXPECT_EQ(answers_.size(), 21U);  // each has its callback
}

TEST_F(AskerTest, NobodyIsAskedBeforeTheHostsAreNamed) {
  const FakeHttpServer server([](const HttpRequest&, Reply& reply) { reply.Send(404, ""); });
  Begin({});
  EXPECT_EQ(Ask(server).kind, Kind::Denied);
  EXPECT_TRUE(server.Requests().empty());
  asker_->Stop();
  EXPECT_EQ(Ask(server).kind, Kind::Unreachable);
}

TEST_F(AskerTest, RequestsToAHostKeepToTheirRate) {
  const FakeHttpServer server([](const HttpRequest&, Reply& reply) { reply.Send(404, ""); });
  Begin({server.Url()});
  constexpr int kQuestions = QuestionQueue::kBurst + 2 * QuestionQueue::kPerSecond;
  const SteadyTime begin = std::chrono::steady_clock::now();
  uint64_t last = 0;
  for (int i = 0; i < kQuestions; ++i) last = Submit(Host(server) + "/a:v1");
  for (uint64_t id = 1; id <= last; ++id) EXPECT_EQ(AnswerOf(id).kind, Kind::NotThere);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1900ms);
}

TEST_F(AskerTest, NamesWithoutAnAddressAreUnreachable) {
  Begin({"http://registry.invalid:5000"});
  const Answer answer = AnswerOf(Submit("registry.invalid:5000/a:v1"));
  EXPECT_EQ(answer.kind, Kind::Unreachable);
  EXPECT_THAT(answer.reason, HasSubstr("registry.invalid"));
}

}  // namespace
}  // namespace imagebatch::registry
