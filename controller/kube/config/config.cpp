#include "kube/config/config.h"

#include <cstdlib>

#include "kube/config/file.h"

namespace imagebatch::kube {
namespace {

constexpr size_t kMaxPemBytes = 1 << 20;
constexpr size_t kMaxNamespaceBytes = 253;

/// Read while the process starts, before it has threads that could change the environment.
std::string Environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

}  // namespace

Result<std::string> ReadPem(const Pem& pem) {
  if (pem.file.empty()) return pem.data;
  return ReadFile(pem.file, kMaxPemBytes);
}

Result<ClusterConfig> LoadInCluster(const std::filesystem::path& directory) {
  std::string host = Environment("KUBERNETES_SERVICE_HOST");
  const std::string port = Environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty())
    return Fail("not in a Pod: KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set");
  // cpprestsdk cannot connect to an IPv6 literal; the name leads to the same Service
  if (host.find(':') != std::string::npos) host = "kubernetes.default.svc";

  ClusterConfig config;
  config.transport.server = "https://" + host + ":" + port;
  config.transport.ca.file = directory / "ca.crt";
  config.transport.token_file = directory / "token";
  if (const auto ca = ReadPem(config.transport.ca); !ca)
    return Fail(ca.error().message + " (is the ServiceAccount's token mounted?)");
  if (std::error_code error; !std::filesystem::exists(config.transport.token_file, error))
    return Fail("no " + config.transport.token_file.string() + " (is the ServiceAccount's token mounted?)");
  const auto name = ReadFile(directory / "namespace", kMaxNamespaceBytes);
  config.namespace_name = name && !name->empty() ? *name : "default";
  return config;
}

}  // namespace imagebatch::kube
