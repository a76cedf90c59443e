#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "apiserver/kube/api_server.h"
#include "kube/config/file.h"
#include "kube/cpprest_transport.h"
#include "kube/status.h"
#include "support/temporary_directory.h"

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ApiServer;

class ClientTest : public ::testing::Test {
 protected:
  /// The status of one request with this configuration; 0 where no connection came about.
  static int Ask(const TransportConfig& config, const std::string& path = "/version") {
    const auto transport = MakeCpprestTransport(config);
    if (!transport) return -1;
    Request request;
    request.path = path;
    const auto response = (*transport)->Send(request, 10s);
    return response ? response->status : 0;
  }
  /// A token for a new ServiceAccount, and the account's user name.
  std::pair<std::string, std::string> MakeToken() {
    const std::string accounts = "/api/v1/namespaces/" + server_.ns + "/serviceaccounts";
    EXPECT_EQ(server_.Send(Method::Post, accounts, {{"metadata", {{"name", "someone"}}}})->status, 201);
    const auto token = server_.Send(Method::Post, accounts + "/someone/token", {{"spec", json::object()}});
    EXPECT_EQ(token->status, 201) << token->body;
    return {json::parse(token->body)["status"]["token"], "system:serviceaccount:" + server_.ns + ":someone"};
  }
  /// Who the API server takes us for.
  static std::string WhoAmI(const TransportConfig& config) {
    const auto transport = MakeCpprestTransport(config);
    Request request;
    request.method = Method::Post;
    request.path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    request.body = "{}";
    const auto response = (*transport)->Send(request, 10s);
    if (!response) return response.error().message;
    if (response->status != 201) return Describe(Refusal(*response));
    return json::parse(response->body)["status"]["userInfo"]["username"];
  }

  ApiServer server_;
};

TEST_F(ClientTest, CreatesOnceAndLearnsOfTheConflict) {
  const json object = {{"metadata", {{"name", "a"}}}, {"data", {{"key", "w\xC3\xA9rt"}}}};
  ASSERT_EQ(server_.Send(Method::Post, server_.ConfigMaps(), object)->status, 201);
  const auto again = server_.Send(Method::Post, server_.ConfigMaps(), object);
  EXPECT_EQ(Refusal(*again).reason, "AlreadyExists");
  EXPECT_EQ(again->status, 409);
  const auto read = server_.Send(Method::Get, server_.ConfigMaps() + "/a");
  EXPECT_EQ(json::parse(read->body)["data"]["key"], "w\xC3\xA9rt");
  EXPECT_EQ(server_.Send(Method::Delete, server_.ConfigMaps() + "/a", {{"propagationPolicy", "Background"}})
                ->status,
            200);
  EXPECT_EQ(server_.Send(Method::Get, server_.ConfigMaps() + "/a")->status, 404);
}

TEST_F(ClientTest, PatchesWithItsContentType) {
  server_.CreateConfigMap("a");
  Request request;
  request.method = Method::Patch;
  request.path = server_.ConfigMaps() + "/a";
  request.body = R"({"data":{"x":"1"}})";
  request.content_type = "application/merge-patch+json";
  const auto response = server_.client().Send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200) << response->body;
}

TEST_F(ClientTest, CountsAsKubernetesNamesIt) {
  server_.CreateConfigMap("a");
  EXPECT_EQ(server_.stats().Snapshot().at({RequestKind{"create", "configmaps"}, "201"}), 1U);
}

TEST_F(ClientTest, CertificatesMayBeFilesOrData) {
  EXPECT_EQ(WhoAmI(server_.config), "admin");
  TransportConfig data = server_.config;
  for (Pem* pem : {&data.ca, &data.client_certificate, &data.client_key}) *pem = {"", *ReadPem(*pem)};
  EXPECT_EQ(WhoAmI(data), "admin");
}

TEST_F(ClientTest, WithoutCredentialsItIsNobody) {
  TransportConfig config = server_.config;
  config.client_certificate = config.client_key = {};
  EXPECT_EQ(Ask(config, server_.ConfigMaps()), 403);
}

TEST_F(ClientTest, TrustsTheConfiguredAuthorityAndNotTheSystems) {
  const std::string authority = server_.config.ca.file;
  const std::string other = server_.config.client_certificate.file;
  setenv("SSL_CERT_FILE", authority.c_str(), 1);  // what the system trusts
  TransportConfig config = server_.config;
  config.ca = {};
  EXPECT_EQ(Ask(config), 200) << "the system's authority is used where none is configured";
  config.ca = {other, ""};
  EXPECT_EQ(Ask(config), 0) << "it is not used beside one that is configured";
  unsetenv("SSL_CERT_FILE");
  config.ca = {};
  EXPECT_EQ(Ask(config), 0);
}

TEST_F(ClientTest, TheServersNameMustMatchItsCertificate) {
  TransportConfig config = server_.config;
  const size_t host = config.server.find("127.0.0.1");
  ASSERT_NE(host, std::string::npos);
  config.server.replace(host, 9, "localhost");
  EXPECT_EQ(Ask(config), 200);
  config.server.replace(host, 9, "127.1");  // the same address by a name that is not in the certificate
  EXPECT_EQ(Ask(config), 0);
}

TEST_F(ClientTest, AuthenticatesWithATokenAndTakesUpANewOne) {
  const auto [token, user] = MakeToken();
  TransportConfig config = server_.config;
  config.client_certificate = config.client_key = {};
  config.token = token;
  EXPECT_EQ(WhoAmI(config), user);
  EXPECT_EQ(Ask(config, server_.ConfigMaps()), 403);
  config.token = "nonsense";
  EXPECT_EQ(Ask(config, server_.ConfigMaps()), 401);
  const testing::TemporaryDirectory directory;
  directory.Write("token", token + "\n");
  config.token_file = directory.path() / "token";
  EXPECT_EQ(WhoAmI(config), user);
}

TEST_F(ClientTest, WorksWithTheServiceAccountOfAPod) {
  const auto [token, user] = MakeToken();
  const testing::TemporaryDirectory directory;
  directory.Write("token", token);
  directory.Write("ca.crt", *ReadPem(server_.config.ca));
  const size_t colon = server_.config.server.rfind(':');
  setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1);
  setenv("KUBERNETES_SERVICE_PORT", server_.config.server.substr(colon + 1).c_str(), 1);
  const auto config = LoadInCluster(directory.path());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(WhoAmI(config->transport), user);
}

}  // namespace
}  // namespace imagebatch::kube
