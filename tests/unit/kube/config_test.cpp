#include "kube/config/config.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "kube/config/file.h"
#include "kube/config/token_source.h"
#include "support/temporary_directory.h"

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

class InClusterTest : public ::testing::Test {
 protected:
  InClusterTest() {
    directory_.Write("ca.crt", "certificate");
    directory_.Write("token", "secret\n");
    directory_.Write("namespace", "builds");
    setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  }
  ~InClusterTest() override {
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("KUBERNETES_SERVICE_PORT");
  }

  TemporaryDirectory directory_;
};

TEST_F(InClusterTest, TakesTheServiceAccountOfThePod) {
  const auto config = LoadInCluster(directory_.path());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->transport.server, "https://10.96.0.1:443");
  EXPECT_EQ(config->transport.ca.file, directory_.path() / "ca.crt");
  EXPECT_EQ(config->transport.token_file, directory_.path() / "token");
  EXPECT_EQ(config->namespace_name, "builds");
}

TEST_F(InClusterTest, AnIpv6ServiceIsReachedByItsName) {
  setenv("KUBERNETES_SERVICE_HOST", "fd00:10:96::1", 1);
  const auto config = LoadInCluster(directory_.path());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->transport.server, "https://kubernetes.default.svc:443");
}

TEST_F(InClusterTest, SaysWhatIsMissing) {
  directory_.Remove("token");
  EXPECT_THAT(LoadInCluster(directory_.path()).error().message, HasSubstr("token"));
  directory_.Remove("ca.crt");
  EXPECT_THAT(LoadInCluster(directory_.path()).error().message, HasSubstr("ca.crt"));
  unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_THAT(LoadInCluster(directory_.path()).error().message, HasSubstr("not in a Pod"));
}

TEST(ReadFile, IsBounded) {
  TemporaryDirectory directory;
  directory.Write("file", "12345");
  EXPECT_EQ(*ReadFile(directory.path() / "file", 5), "12345");
  EXPECT_THAT(ReadFile(directory.path() / "file", 4).error().message, HasSubstr("larger than 4 bytes"));
  EXPECT_THAT(ReadFile(directory.path() / "none", 4).error().message, HasSubstr("No such file"));
  EXPECT_FALSE(ReadFile(directory.path(), 4));
}

TEST(TokenSource, ReadsItsFileAtMostOnceAMinute) {
  TemporaryDirectory directory;
  directory.Write("token", " one\n");
  TokenSource token(directory.path() / "token", "");
  const SteadyTime start = SteadyTime(1000s);
  EXPECT_EQ(*token.Get(start), "one");
  directory.Write("token", "two");
  EXPECT_EQ(*token.Get(start + 59s), "one");
  EXPECT_EQ(*token.Get(start + 60s), "two");
}

TEST(TokenSource, KeepsTheLastTokenWhileTheFileIsAway) {
  TemporaryDirectory directory;
  directory.Write("token", "one");
  TokenSource token(directory.path() / "token", "");
  const SteadyTime start = SteadyTime(1000s);
  EXPECT_EQ(*token.Get(start), "one");
  directory.Remove("token");
  EXPECT_EQ(*token.Get(start + 60s), "one");
  directory.Write("token", " \n");
  EXPECT_EQ(*token.Get(start + 120s), "one");
}

TEST(TokenSource, FailsOnlyWhereThereNeverWasAToken) {
  TemporaryDirectory directory;
  const SteadyTime start = SteadyTime(1000s);
  TokenSource token(directory.path() / "token", "");
  EXPECT_THAT(token.Get(start).error().message, HasSubstr("cannot read"));
  directory.Write("token", "\n");
  EXPECT_THAT(token.Get(start).error().message, HasSubstr("is empty"));
  directory.Write("token", "one");
  EXPECT_EQ(*token.Get(start), "one");
  EXPECT_EQ(*TokenSource(directory.path() / "none", "fallback").Get(start), "fallback");
  EXPECT_EQ(*TokenSource("fixed").Get(start), "fixed");
  EXPECT_EQ(*TokenSource().Get(start), "");
}

}  // namespace
}  // namespace imagebatch::kube
