#pragma once
#include <filesystem>
#include <string>

#include "base/result.h"

namespace imagebatch::kube {

/// PEM text given as a file or as itself; neither: there is none. A file is read again for every new
/// connection, so that rotated certificates are taken up.
struct Pem {
  std::filesystem::path file;
  std::string data;

  bool Empty() const { return file.empty() && data.empty(); }
};

/// The text behind `pem`; at most 1 MiB.
Result<std::string> ReadPem(const Pem& pem);

/// How to reach one API server and who we are there.
struct TransportConfig {
  std::string server;  // http(s)://host[:port][/prefix], without '/' at its end
  Pem ca;              // none: the system's CAs; given: no other is trusted
  Pem client_certificate, client_key;
  std::string token;                 // bearer token
  std::filesystem::path token_file;  // takes precedence over `token`; read again at most once a minute
};

struct ClusterConfig {
  TransportConfig transport;
  std::string namespace_name;  // of the Pod, or of the kubeconfig's context; "default" where neither says
};

/// Inside a Pod: the ServiceAccount's files in `directory` and KUBERNETES_SERVICE_HOST and _PORT.
Result<ClusterConfig> LoadInCluster(
    const std::filesystem::path& directory = "/var/run/secrets/kubernetes.io/serviceaccount");

/// A kubeconfig file. Empty `path`: $KUBECONFIG (one file, no list), then ~/.kube/config. Empty `context`:
/// current-context. Not supported, each a clear error: exec and auth-provider plugins, user names and
/// passwords, impersonation, insecure-skip-tls-verify, tls-server-name, proxy-url. Proxies are not
/// supported at all: HTTPS_PROXY is not read.
Result<ClusterConfig> LoadKubeconfig(std::filesystem::path path, std::string context);

}  // namespace imagebatch::kube
