#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "kube/client.h"
#include "kube/config/config.h"

namespace imagebatch::testing {

/// The API server of the fixture, as its administrator sees it. Each test gets a namespace of its own.
/// Functions that must succeed abort the test program where they do not.
class ApiServer {
 public:
  ApiServer();
  ~ApiServer();

  kube::TransportConfig config;
  std::string ns;

  kube::ApiClient& client() { return *client_; }
  kube::HttpTransport& transport() { return *transport_; }
  const kube::RequestStats& stats() const { return stats_; }

  Result<kube::Response> Send(kube::Method method, const std::string& path,
                              const nlohmann::json& body = nullptr);
  std::string ConfigMaps() const { return "/api/v1/namespaces/" + ns + "/configmaps"; }
  /// Repeats until it is done, whatever happens to the server meanwhile.
  void CreateConfigMap(const std::string& name, const std::string& label = "x");
  void DeleteConfigMap(const std::string& name);

  /// Kills the server's process and starts it again with the same arguments.
  void Kill();
  void Start();

 private:
  /// Sends until the answer is one of these, at most for a minute.
  void SendUntil(kube::Method method, const std::string& path, const nlohmann::json& body,
                 std::initializer_list<int> statuses);

  std::string directory_;  // of the fixture
  std::string arguments_;  // of the killed server, each with a zero byte behind it
  std::unique_ptr<kube::HttpTransport> transport_;
  kube::RequestStats stats_;
  std::unique_ptr<kube::ApiClient> client_;
};

}  // namespace imagebatch::testing
