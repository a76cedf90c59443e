#include "kube/config/exec_plugin.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "support/temporary_directory.h"

namespace imagebatch::kube {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryDirectory;

constexpr const char* kV1 = "client.authentication.k8s.io/v1";

std::string Answer(const std::string& status) {
  return std::string(R"({"kind":"ExecCredential","apiVersion":")") + kV1 + R"(","status":)" + status + "}";
}

class ExecPluginTest : public ::testing::Test {
 protected:
  ExecPluginTest() {
    plugin_.place = "config: user \"u\": exec";
    plugin_.api_version = kV1;
    plugin_.interactive = ExecPlugin::Interactive::Never;
  }
  /// The plugin is a script of the shell.
  void Script(const std::string& text) {
    directory_.Write("plugin", "#!/bin/sh\n" + text + "\n");
    std::filesystem::permissions(directory_.path() / "plugin", std::filesystem::perms::owner_all);
    plugin_.command = directory_.path() / "plugin";
  }
  Result<Credential> Read(const std::string& output) { return ReadCredential(output, plugin_); }
  std::string Wrong(const std::string& output) {
    const auto read = Read(output);
    return read ? "" : read.error().message;
  }

  TemporaryDirectory directory_;
  ExecPlugin plugin_;
};

TEST_F(ExecPluginTest, ReadsATokenOrACertificate) {
  const auto token = Read(Answer(R"({"token":"t","expirationTimestamp":"2026-01-02T03:04:05Z"})"));
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->token, "t");
  EXPECT_EQ(token->expires, ParseTime("2026-01-02T03:04:05Z"));
  const auto certificate = Read(Answer(R"({"clientCertificateData":"c","clientKeyData":"k"})"));
  ASSERT_TRUE(certificate) << certificate.error().message;
  EXPECT_EQ(certificate->client_certificate, "c");
  EXPECT_EQ(certificate->client_key, "k");
  EXPECT_FALSE(certificate->expires);
}

TEST_F(ExecPluginTest, SaysWhatIsWrongWithTheAnswerAndShowsNothingOfIt) {
  EXPECT_THAT(Wrong("hunter2"), AllOf(HasSubstr("no JSON object"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(Wrong(R"({"kind":"Secret"})"), HasSubstr("no ExecCredential"));
  EXPECT_THAT(Wrong(R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"})"),
              AllOf(HasSubstr("v1beta1"), HasSubstr("its entry says client.authentication.k8s.io/v1")));
  EXPECT_THAT(Wrong(R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"})"),
              HasSubstr("no status"));
  EXPECT_THAT(Wrong(Answer("{}")), HasSubstr("neither a token nor a client certificate"));
  EXPECT_THAT(Wrong(Answer(R"({"clientCertificateData":"hunter2"})")),
              AllOf(HasSubstr("without its key"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(Wrong(Answer(R"({"token":"a\r\nX-Evil: b"})")),
              AllOf(HasSubstr("control characters"), Not(HasSubstr("X-Evil"))));
  EXPECT_THAT(Wrong(Answer(R"({"token":"t","expirationTimestamp":"soon"})")),
              HasSubstr("expirationTimestamp"));
}

TEST_F(ExecPluginTest, IsToldOfTheClusterWhereItAsks) {
  const auto plain = nlohmann::json::parse(ExecInfo(plugin_, true));
  EXPECT_EQ(plain["kind"], "ExecCredential");
  EXPECT_EQ(plain["apiVersion"], kV1);
  EXPECT_EQ(plain["spec"], nlohmann::json({{"interactive", true}}));
  plugin_.cluster = R"({"server":"https://s"})";
  EXPECT_EQ(nlohmann::json::parse(ExecInfo(plugin_, false))["spec"],
            nlohmann::json({{"interactive", false}, {"cluster", {{"server", "https://s"}}}}));
}

TEST_F(ExecPluginTest, RunsWithItsArgumentsAndEnvironmentWithoutAShell) {
  setenv("INHERITED", "yes", 1);
  setenv("OWN", "of the process", 1);
  plugin_.arguments = {"$HOME; touch x", "*"};
  plugin_.environment = {{"OWN", "of the plugin"}};
  Script(R"(cat > )" + (directory_.path() / "stdin").string() + R"(
printf '%s|%s|%s|%s|%s' "$1" "$2" "$INHERITED" "$OWN" "$KUBERNETES_EXEC_INFO" > )" +
         (directory_.path() / "seen").string() + "\necho '" + Answer(R"({"token":"t"})") + "'");
  const auto credential = RunPlugin(plugin_, /*terminal=*/true);
  ASSERT_TRUE(credential) << credential.error().message;
  EXPECT_EQ(credential->token, "t");
  std::ifstream seen(directory_.path() / "seen");
  EXPECT_EQ(std::string(std::istreambuf_iterator(seen), {}),
            "$HOME; touch x|*|yes|of the plugin|" + ExecInfo(plugin_, false));
  EXPECT_EQ(std::filesystem::file_size(directory_.path() / "stdin"), 0U) << "interactiveMode is Never";
}

TEST_F(ExecPluginTest, SaysWhyItDidNotRun) {
  plugin_.command = "imagebatch-no-such-plugin";
  plugin_.install_hint = "get it from\nexample.com";
  EXPECT_THAT(
      RunPlugin(plugin_, false).error().message,
      AllOf(HasSubstr("config: user \"u\": exec: cannot run the plugin \"imagebatch-no-such-plugin\""),
            HasSubstr("No such file"), HasSubstr("get it from example.com")));
  Script("exit 3");
  EXPECT_THAT(RunPlugin(plugin_, false).error().message, HasSubstr("failed with exit code 3"));
  Script("kill -9 $$");
  EXPECT_THAT(RunPlugin(plugin_, false).error().message, HasSubstr("ended by signal 9"));
  Script("exec cat /dev/zero");
  EXPECT_THAT(RunPlugin(plugin_, false).error().message, HasSubstr("more than 1 MiB"));
}

TEST_F(ExecPluginTest, DoesNotAskWhereNobodyIs) {
  Script("echo '" + Answer(R"({"token":"t"})") + "'");
  plugin_.interactive = ExecPlugin::Interactive::Always;
  EXPECT_THAT(RunPlugin(plugin_, /*terminal=*/false).error().message,
              AllOf(HasSubstr("interactiveMode: Always"), HasSubstr("no terminal")));
  EXPECT_TRUE(RunPlugin(plugin_, /*terminal=*/true));
  plugin_.interactive = ExecPlugin::Interactive::IfAvailable;
  EXPECT_TRUE(RunPlugin(plugin_, /*terminal=*/false));
}

}  // namespace
}  // namespace imagebatch::kube
