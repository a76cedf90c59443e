#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
  /// The server is not ours: it may be named by anybody, and say anything. Each request has a connection of
  /// its own, none goes to a link-local address, and a head of more than 64 KiB is an error.
  bool foreign = false;

  // Of people alone: the controller refuses them
  std::string tls_server_name;   // whom the server's certificate must be for; empty: the host of `server`
  bool skip_tls_verify = false;  // any certificate will do
  std::string proxy;             // http://[user:password@]host[:port]; empty: none
};

/// A credential plugin: users[].user.exec of a kubeconfig.
/// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
struct ExecPlugin {
  enum class Interactive { Never, IfAvailable, Always };

  std::string place;        // where it stands, for messages
  std::string api_version;  // client.authentication.k8s.io/v1 or v1beta1
  std::string command;      // looked up in $PATH where it has no '/'
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // added to that of the process
  std::string install_hint;                                      // for people without the command
  std::string cluster;  // JSON of spec.cluster, which it is told; empty where it did not ask for it
  Interactive interactive = Interactive::IfAvailable;
};

struct ClusterConfig {
  TransportConfig transport;
  std::string namespace_name;  // of the Pod, or of the kubeconfig's context; "default" where neither says
  std::string place;           // where the cluster and the user were found, for messages
  std::optional<ExecPlugin> plugin;  // gives the credentials; of people alone
};

/// Inside a Pod: the ServiceAccount's files in `directory` and KUBERNETES_SERVICE_HOST and _PORT.
Result<ClusterConfig> LoadInCluster(
    const std::filesystem::path& directory = "/var/run/secrets/kubernetes.io/serviceaccount");

/// A kubeconfig file for a program that runs by itself. Empty `path`: $KUBECONFIG (one file, no list), then
/// ~/.kube/config. Empty `context`: current-context. Not supported, each a clear error: exec and
/// auth-provider plugins, user names and passwords, impersonation, insecure-skip-tls-verify, tls-server-name,
/// proxy-url. Proxies are not supported at all: HTTPS_PROXY is not read.
Result<ClusterConfig> LoadKubeconfig(std::filesystem::path path, std::string context);

/// The same as kubectl finds it for a person. Empty `path`: the files of $KUBECONFIG, merged (of what stands
/// in several the first counts; those that do not exist are left out), or ~/.kube/config, or, where there is
/// none of them, the Pod that this runs in. Plugins, proxies (HTTPS_PROXY, HTTP_PROXY and NO_PROXY too) and
/// the switches of TLS are followed. Not supported, each a clear error: auth-provider plugins, user names and
/// passwords, impersonation, proxies that are not http://.
Result<ClusterConfig> LoadPersonalKubeconfig(const std::filesystem::path& path, const std::string& context);

}  // namespace imagebatch::kube
