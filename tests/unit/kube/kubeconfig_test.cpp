#include <gmock/gmock.h>

#include <cstdlib>

#include "kube/config/config.h"
#include "support/temporary_directory.h"

namespace imagebatch::kube {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
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

class PersonalKubeconfigTest : public KubeconfigTest {
 protected:
  PersonalKubeconfigTest() {
    for (const char* name : {"KUBECONFIG", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy",
                             "NO_PROXY", "no_proxy", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"})
      unsetenv(name);
  }
  ~PersonalKubeconfigTest() override {
    unsetenv("KUBECONFIG");
    unsetenv("HTTPS_PROXY");
    unsetenv("NO_PROXY");
  }

  Result<ClusterConfig> Load(const std::string& text, const std::string& context = "") {
    directory_.Write("config", text);
    return LoadPersonalKubeconfig(directory_.path() / "config", context);
  }
  std::string Error(const std::string& text) {
    const auto config = Load(text);
    return config ? "" : config.error().message;
  }
  /// $KUBECONFIG with these files of the directory.
  void Set(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names)
      list += (list.empty() ? "" : ":") + (name.empty() ? name : (directory_.path() / name).string());
    setenv("KUBECONFIG", list.c_str(), 1);
  }
};

TEST_F(PersonalKubeconfigTest, MergesTheFilesOfKubeconfigTheFirstWins) {
  directory_.Write(
      "one/config",
      "current-context: main\n"
      "users: [{name: u, user: {token: first, client-certificate: c.crt, client-key: c.key}}]\n");
  directory_.Write("two/config", With(", certificate-authority: ca.crt", "token: second"));
  directory_.Write("three/config",
                   "current-context: other\nclusters: [{name: c, cluster: {server: 'https://three'}}]\n");
  Set({"none", "one/config", "", "two/config", "three/config"});
  const auto config = LoadPersonalKubeconfig("", "");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->transport.server, "https://one:6443");
  EXPECT_EQ(config->transport.token, "first");
  EXPECT_EQ(config->namespace_name, "builds");
  // Each path begins in the folder of the file that has it
  EXPECT_EQ(config->transport.client_certificate.file, directory_.path() / "one/c.crt");
  EXPECT_EQ(config->transport.ca.file, directory_.path() / "two/ca.crt");
  EXPECT_THAT(config->place, HasSubstr("two/config: context \"main\""));
}

TEST_F(PersonalKubeconfigTest, TakesAnEmptyFileForNothing) {
  directory_.Write("empty", "");
  directory_.Write("config", With("", "token: x"));
  Set({"empty", "config"});
  EXPECT_TRUE(LoadPersonalKubeconfig("", ""));
}

TEST_F(PersonalKubeconfigTest, NamesTheFileAndThePlaceOfWhatIsWrong) {
  directory_.Write("good", With("", "token: x"));
  directory_.Write("bad", "clusters:\n- name: [\n");
  Set({"good", "bad"});
  const auto syntax = LoadPersonalKubeconfig("", "");
  ASSERT_FALSE(syntax);
  EXPECT_THAT(syntax.error().message, AllOf(HasSubstr("/bad: "), HasSubstr("line 3")));
  Set({"good"});
  const auto unknown = LoadPersonalKubeconfig("", "mian");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message,
              AllOf(HasSubstr("/good: no context \"mian\""), HasSubstr("(there are: main, other)")));
  directory_.Write("none-current", "contexts: [{name: a, context: {}}, {name: b, context: {}}]");
  Set({"none-current"});
  EXPECT_THAT(LoadPersonalKubeconfig("", "").error().message,
              HasSubstr("no current-context; name a context (there are: a, b)"));
}

TEST_F(PersonalKubeconfigTest, SaysWhereItHasLooked) {
  Set({"gone", "away"});
  EXPECT_THAT(LoadPersonalKubeconfig("", "").error().message,
              AllOf(HasSubstr("no kubeconfig"), HasSubstr("/gone, "), HasSubstr("--kubeconfig")));
  EXPECT_THAT(LoadPersonalKubeconfig(directory_.path() / "gone", "").error().message,
              HasSubstr("No such file"));
}

TEST_F(PersonalKubeconfigTest, InAPodWithoutAKubeconfigTakesItsServiceAccount) {
  Set({"gone"});
  setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
  const auto config = LoadPersonalKubeconfig("", "");
  unsetenv("KUBERNETES_SERVICE_HOST");
  // This machine is no Pod, so that it gets as far as what is missing
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("KUBERNETES_SERVICE_PORT"));
}

TEST_F(PersonalKubeconfigTest, FollowsTheSwitchesOfTls) {
  const auto named = Load(With(", tls-server-name: api.example, certificate-authority: ca", "token: x"));
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_EQ(named->transport.tls_server_name, "api.example");
  const auto skipped = Load(With(", insecure-skip-tls-verify: true", "token: x"));
  ASSERT_TRUE(skipped) << skipped.error().message;
  EXPECT_TRUE(skipped->transport.skip_tls_verify);
  EXPECT_THAT(Error(With(", insecure-skip-tls-verify: true, certificate-authority: ca", "token: x")),
              HasSubstr("take one of them away"));
  EXPECT_THAT(Error(With(", insecure-skip-tls-verify: 'true'", "token: x")),
              HasSubstr("must be true or false"));
}

TEST_F(PersonalKubeconfigTest, TakesTheProxyOfTheClusterBeforeThatOfTheEnvironment) {
  setenv("HTTPS_PROXY", "http://outer:3128", 1);
  EXPECT_EQ(Load(With("", "token: x"))->transport.proxy, "http://outer:3128");
  EXPECT_EQ(Load(With(", proxy-url: 'http://inner:8080'", "token: x"))->transport.proxy, "http://inner:8080");
  setenv("NO_PROXY", "one", 1);
  EXPECT_EQ(Load(With("", "token: x"))->transport.proxy, "");
  EXPECT_THAT(
      Error(With(", proxy-url: 'socks5://user:hunter2@inner'", "token: x")),
      AllOf(HasSubstr("cluster \"c\""), HasSubstr("only http:// proxies"), Not(HasSubstr("hunter2"))));
}

TEST_F(PersonalKubeconfigTest, ReadsACredentialPlugin) {
  directory_.Write("ca.crt", "CA");
  const auto config =
      Load(With(", certificate-authority: ca.crt, tls-server-name: n, extensions: [{name: "
                "client.authentication.k8s.io/exec, extension: {audience: a}}]",
                "exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/login, args: [get, "
                "token], env: [{name: A, value: b}], installHint: install it, provideClusterInfo: true, "
                "interactiveMode: Never}"));
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_TRUE(config->plugin);
  const ExecPlugin& plugin = *config->plugin;
  EXPECT_EQ(plugin.command, directory_.path() / "bin/login");
  EXPECT_THAT(plugin.arguments, ElementsAre("get", "token"));
  EXPECT_THAT(plugin.environment, ElementsAre(Pair("A", "b")));
  EXPECT_EQ(plugin.install_hint, "install it");
  EXPECT_EQ(plugin.interactive, ExecPlugin::Interactive::Never);
  EXPECT_EQ(plugin.cluster, R"({"certificate-authority-data":"Q0E=","config":{"audience":"a"},)"
                            R"("server":"https://one:6443","tls-server-name":"n"})");
}

TEST_F(PersonalKubeconfigTest, LooksPluginsUpInPathAndTellsThemOfNoClusterUnasked) {
  const auto config =
      Load(With("", "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws}"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->plugin->command, "aws");
  EXPECT_EQ(config->plugin->interactive, ExecPlugin::Interactive::IfAvailable);
  EXPECT_EQ(config->plugin->cluster, "");
}

TEST_F(PersonalKubeconfigTest, TakesATokenBeforeAPlugin) {
  const auto config =
      Load(With("", "token: x, exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws}"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_FALSE(config->plugin);
}

TEST_F(PersonalKubeconfigTest, SaysWhatIsWrongWithAPlugin) {
  const std::string begin = "exec: {command: aws, apiVersion: ";
  const std::string v1 = begin + "client.authentication.k8s.io/v1, ";
  EXPECT_THAT(Error(With("", begin + "client.authentication.k8s.io/v1alpha1}")),
              AllOf(HasSubstr("user \"u\": exec: "), HasSubstr("v1alpha1"), HasSubstr("update the plugin")));
  EXPECT_THAT(Error(With("", v1 + "args: []}")), HasSubstr("interactiveMode must be"));
  EXPECT_THAT(Error(With("", v1 + "interactiveMode: Never, args: [1]}")),
              HasSubstr("args must be a list of strings"));
  EXPECT_THAT(Error(With("", v1 + "interactiveMode: Never, env: [{name: 'A=B', value: c}]}")),
              HasSubstr("env"));
  EXPECT_THAT(Error(With("", "exec: {apiVersion: client.authentication.k8s.io/v1}")),
              HasSubstr("has no command"));
  EXPECT_THAT(Error(With("", "auth-provider: {name: oidc}")), HasSubstr("auth-provider is not supported"));
}

}  // namespace
}  // namespace imagebatch::kube
