// The client against a real registry, without a login, with a password, and with signed tokens.
#include <gmock/gmock.h>

#include "base/base64.h"
#include "base/mutex.h"
#include "registry/asker.h"
#include "registry/docker_registry.h"
#include "registry/token_server.h"

namespace imagebatch::registry {
namespace {

using namespace std::chrono_literals;
using Kind = Answer::Kind;
using testing::DockerRegistry;
using testing::TemporaryDirectory;
using testing::TokenServer;

/// "s3cret pass" of builder, as htpasswd writes it.
constexpr const char* kPasswords = "builder:$2y$05$abcdefghijklmnopqrstuu1qdcFaS0PtqFUPzaCxLQ8/0lspH0ZEW\n";
const std::string kBasic = "Basic " + EncodeBase64("builder:s3cret pass");

class RealRegistryTest : public ::testing::Test {
 protected:
  void Begin(const std::vector<std::string>& hosts, const std::string& login_for = "",
             const std::string& password = TokenServer::kPassword) {
    asker_.emplace(
        [this](const std::string& server) -> Result<std::unique_ptr<kube::HttpTransport>> {
          return testing::ForeignTransport(server, trusted_);
        },
        clock_,
        [this](uint64_t, const Answer& answer) {
          const MutexLock lock(mutex_);
          answer_ = answer;
          came_.NotifyAll();
        });
    Access access;
    for (const std::string& host : hosts) ASSERT_TRUE(access.hosts.Add(host));
    if (!login_for.empty()) {
      const std::string auth = EncodeBase64("builder:" + password);
      ASSERT_TRUE(access.credentials.Add(R"({"auths":{")" + login_for + R"(":{"auth":")" + auth + "\"}}}"));
    }
    asker_->SetAccess(std::move(access));
  }
  Answer Ask(const std::string& image) {
    asker_->Submit({1, 1, image});
    const SteadyTime until = std::chrono::steady_clock::now() + 60s;
    const MutexLock lock(mutex_);
    while (!answer_ && came_.WaitUntil(mutex_, until)) {
    }
    Answer answer = answer_.value_or(Answer());
    answer_.reset();
    return answer;
  }

  TemporaryDirectory directory_;
  std::string trusted_;  // the CA
  const SystemClock clock_{};
  Mutex mutex_;
  Condition came_;
  std::optional<Answer> answer_ GUARDED_BY(mutex_);
  std::optional<Asker> asker_;
};

TEST_F(RealRegistryTest, WithoutALogin) {
  DockerRegistry registry(directory_, "");
  const std::string digest = registry.Push("team/image", "v1", "");
  Begin({"http://" + registry.host()});
  const Answer there = Ask(registry.host() + "/team/image:v1");
  EXPECT_EQ(there.kind, Kind::There) << there.reason;
  EXPECT_EQ(there.digest, digest);
  EXPECT_EQ(Ask(registry.host() + "/team/image:v2").kind, Kind::NotThere);
  EXPECT_EQ(Ask(registry.host() + "/team/none:v1").kind, Kind::NotThere);
  registry.Stop();
  EXPECT_EQ(Ask(registry.host() + "/team/image:v1").kind, Kind::Unreachable);
}

TEST_F(RealRegistryTest, PlainHttpOnlyWhereItIsAllowed) {
  DockerRegistry registry(directory_, "");
  registry.Push("team/image", "v1", "");
  Begin({"https://" + registry.host()});
  EXPECT_EQ(Ask(registry.host() + "/team/image:v1").kind, Kind::Unreachable);
}

TEST_F(RealRegistryTest, OverTls) {
  const testing::Identity identity = testing::MakeIdentity();
  DockerRegistry registry(directory_, "", &identity);
  const std::string digest = registry.Push("team/image", "v1", "");
  Begin({registry.host()});
  const Answer untrusted = Ask(registry.host() + "/team/image:v1");
  EXPECT_EQ(untrusted.kind, Kind::Unreachable);
  trusted_ = identity.certificate_pem;
  Begin({registry.host()});
  const Answer there = Ask(registry.host() + "/team/image:v1");
  EXPECT_EQ(there.digest, digest) << there.reason;
  EXPECT_EQ(Ask(registry.host() + "/team/image:v2").kind, Kind::NotThere);
}

TEST_F(RealRegistryTest, WithAPassword) {
  directory_.Write("passwords", kPasswords);
  DockerRegistry registry(
      directory_, "{htpasswd: {realm: r, path: '" + (directory_.path() / "passwords").string() + "'}}");
  const std::string digest = registry.Push("team/image", "v1", kBasic);
  const std::string image = registry.host() + "/team/image:v1";
  Begin({"http://" + registry.host()}, registry.host());
  EXPECT_EQ(Ask(image).digest, digest);
  EXPECT_EQ(Ask(image).digest, digest);  // by what it has learned
  EXPECT_EQ(Ask(registry.host() + "/team/image:v2").kind, Kind::NotThere);
  Begin({"http://" + registry.host()}, registry.host() + "/team");
  EXPECT_EQ(Ask(image).digest, digest);
  Begin({"http://" + registry.host()}, registry.host(), "wrong");
  EXPECT_EQ(Ask(image).kind, Kind::Denied);
  Begin({"http://" + registry.host()});
  EXPECT_EQ(Ask(image).kind, Kind::Denied);
}

TEST_F(RealRegistryTest, WithSignedTokens) {
  const TokenServer tokens(directory_);
  DockerRegistry registry(directory_, tokens.Auth());
  const std::string digest = registry.Push("team/image", "v1", tokens.PushAuthorization("team/image"));
  const std::string image = registry.host() + "/team/image:v1";
  Begin({"http://" + registry.host(), tokens.Url()}, registry.host());
  const Answer there = Ask(image);
  EXPECT_EQ(there.digest, digest) << there.reason;
  EXPECT_EQ(Ask(registry.host() + "/team/image:v2").kind, Kind::NotThere);
  EXPECT_EQ(tokens.tokens(), 1U);
  EXPECT_EQ(Ask(registry.host() + "/team/other:v2").kind, Kind::NotThere);
  EXPECT_EQ(tokens.tokens(), 2U);
  Begin({"http://" + registry.host(), tokens.Url()}, registry.host(), "wrong");
  EXPECT_EQ(Ask(image).kind, Kind::Denied);
  Begin({"http://" + registry.host(), tokens.Url()});
  EXPECT_EQ(Ask(image).kind, Kind::Denied);  // a token for nothing
  const size_t asked = tokens.tokens();
  Begin({"http://" + registry.host()}, registry.host());
  EXPECT_EQ(Ask(image).kind, Kind::Denied);
  EXPECT_EQ(tokens.tokens(), asked);  // the login went nowhere
}

}  // namespace
}  // namespace imagebatch::registry
