#include <gmock/gmock.h>

#include <cstdlib>

#include "kube/config/config.h"
#include "support/temporary_directory.h"

namespace imagebatch::kube {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

class KubeconfigTest : public ::testing::Test {
 protected:
  Result<ClusterConfig> Load(const std::string& text, const std::string& context = "") {
    directory_.Write("config", text);
    return LoadKubeconfig(directory_.path() / "config", context);
  }
  /// A kubeconfig with these keys in its cluster and its user.
  static std::string With(const std::string& cluster, const std::string& user) {
    return "apiVersion: v1\nkind: Config\ncurrent-context: main\n"
           "contexts:\n- name: main\n  context: {cluster: c, user: u, namespace: builds}\n"
           "- name: other\n  context: {cluster: d, user: u}\n"
           "clusters:\n- name: c\n  cluster: {server: 'https://one:6443/'" +
           cluster +
           "}\n"
           "- name: d\n  cluster: {server: 'https://two/k8s/'}\n"
           "users:\n- name: u\n  user: {" +
           user + "}\n";
  }

  TemporaryDirectory directory_;
};

TEST_F(KubeconfigTest, TakesTheCurrentContext) {
  const auto config = Load(With("", "token: secret"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->transport.server, "https://one:6443");
  EXPECT_EQ(config->transport.token, "secret");
  EXPECT_EQ(config->namespace_name, "builds");
  EXPECT_TRUE(config->transport.ca.Empty());
}

TEST_F(KubeconfigTest, TakesTheContextThatIsNamed) {
  const auto config = Load(With("", "token: secret"), "other");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->transport.server, "https://two/k8s");
  EXPECT_EQ(config->namespace_name, "default");
}

TEST_F(KubeconfigTest, ResolvesFilesFromItsOwnFolder) {
  const auto config = Load(With(", certificate-authority: pki/ca.crt",
                                "client-certificate: pki/c.crt, client-key: /etc/c.key, tokenFile: t"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->transport.ca.file, directory_.path() / "pki/ca.crt");
  EXPECT_EQ(config->transport.client_certificate.file, directory_.path() / "pki/c.crt");
  EXPECT_EQ(config->transport.client_key.file, "/etc/c.key");
  EXPECT_EQ(config->transport.token_file, directory_.path() / "t");
}

TEST_F(KubeconfigTest, DataComesBeforeFiles) {
  const auto config = Load(With(", certificate-authority: ca.crt, certificate-authority-data: Zm9v",
                                "client-certificate-data: YmFy, client-key-data: YmF6"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->transport.ca.data, "foo");
  EXPECT_EQ(config->transport.ca.file, "");
  EXPECT_EQ(config->transport.client_certificate.data, "bar");
  EXPECT_EQ(config->transport.client_key.data, "baz");
  EXPECT_THAT(Load(With(", certificate-authority-data: '?'", "")).error().message,
              AllOf(HasSubstr("cluster \"c\""), HasSubstr("certificate-authority-data")));
}

TEST_F(KubeconfigTest, ReadsJsonToo) {
  const auto config = Load(R"({"current-context": "x",
    "contexts": [{"name": "x", "context": {"cluster": "x", "user": ""}}],
    "clusters": [{"name": "x", "cluster": {"server": "http://127.0.0.1:8001"}}], "users": null})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->transport.server, "http://127.0.0.1:8001");
}

TEST_F(KubeconfigTest, RefusesWhatIsNotSupportedAndNamesTheWayOut) {
  const std::pair<std::string, std::string> in_user[] = {
      {"exec: {command: aws}", "kubectl create token"},
      {"auth-provider: {name: oidc}", "kubectl create token"},
      {"username: admin, password: x", "client certificate"},
      {"as: someone, token: x", "credentials"},
  };
  for (const auto& [keys, way_out] : in_user) {
    const auto config = Load(With("", keys));
    ASSERT_FALSE(config) << keys;
    EXPECT_THAT(config.error().message,
                AllOf(HasSubstr("user \"u\""), HasSubstr("not supported"), HasSubstr(way_out)));
  }
  const std::pair<std::string, std::string> in_cluster[] = {
      {"insecure-skip-tls-verify: true", "certificate-authority"},
      {"tls-server-name: x", "server"},
      {"proxy-url: 'http://proxy'", "without a proxy"},
  };
  for (const auto& [keys, way_out] : in_cluster) {
    const auto config = Load(With(", " + keys, "token: x"));
    ASSERT_FALSE(config) << keys;
    EXPECT_THAT(config.error().message,
                AllOf(HasSubstr("cluster \"c\""), HasSubstr("not supported"), HasSubstr(way_out)));
  }
  EXPECT_TRUE(Load(With(", insecure-skip-tls-verify: false", "token: x")));
}

TEST_F(KubeconfigTest, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(Load(With("", "token: x"), "none").error().message,
              HasSubstr("no context \"none\" in contexts"));
  EXPECT_THAT(Load("{}").error().message, HasSubstr("current-context"));
  EXPECT_THAT(Load("[]").error().message, HasSubstr("not a kubeconfig"));
  EXPECT_THAT(Load("a: [").error().message, HasSubstr("config"));
  EXPECT_THAT(Load(With("", "token: 12345")).error().message, HasSubstr("token must be a string"));
  EXPECT_THAT(
      Load(R"({current-context: x, contexts: [{name: x, context: {cluster: y, user: z}}]})").error().message,
      HasSubstr("no cluster \"y\" in clusters"));
  EXPECT_THAT(Load(R"({current-context: x, contexts: [{name: x, context: {cluster: y}}],
                       clusters: [{name: y, cluster: {server: "one:6443"}}]})")
                  .error()
                  .message,
              HasSubstr("https://"));
  EXPECT_THAT(LoadKubeconfig(directory_.path() / "none", "").error().message, HasSubstr("No such file"));
}

TEST_F(KubeconfigTest, FindsItsFileFromTheEnvironment) {
  directory_.Write("config", With("", "token: secret"));
  const std::string path = directory_.path() / "config";
  setenv("KUBECONFIG", path.c_str(), 1);
  EXPECT_TRUE(LoadKubeconfig("", ""));
  setenv("KUBECONFIG", (path + ":/other").c_str(), 1);
  EXPECT_THAT(LoadKubeconfig("", "").error().message, HasSubstr("kubectl config view --flatten"));
  unsetenv("KUBECONFIG");
  directory_.Write(".kube/config", With("", "token: secret"));
  setenv("HOME", directory_.path().c_str(), 1);
  EXPECT_TRUE(LoadKubeconfig("", ""));
}

}  // namespace
}  // namespace imagebatch::kube
