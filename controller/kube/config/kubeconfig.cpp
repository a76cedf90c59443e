#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "kube/config/config.h"
#include "kube/config/exec_section.h"
#include "kube/config/kubeconfig_files.h"
#include "kube/config/proxy.h"

namespace imagebatch::kube {
namespace {

using nlohmann::json;
using Paths = std::vector<std::filesystem::path>;

std::string Variable(const char* name) {
  // The environment does not change after the start
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

/// The files of $KUBECONFIG, or ~/.kube/config; none where neither variable is set.
Paths DefaultPaths() {
  Paths paths;
  std::string list = Variable("KUBECONFIG");
  if (!list.empty()) {
    list += ':';
    for (size_t begin = 0, end = 0; (end = list.find(':', begin)) != std::string::npos; begin = end + 1) {
      const std::string path = list.substr(begin, end - begin);
      if (!path.empty() && std::find(paths.begin(), paths.end(), path) == paths.end())
        paths.emplace_back(path);
    }
    return paths;
  }
  const std::string home = Variable("HOME");
  if (!home.empty()) paths.push_back(std::filesystem::path(home) / ".kube" / "config");
  return paths;
}

struct Unsupported {
  const char* key;
  const char* way_out;
};

/// What a program that runs by itself has no use for.
constexpr Unsupported kPersonalInCluster[] = {
    {"insecure-skip-tls-verify", "give the server's CA as certificate-authority"},
    {"tls-server-name", "use a name of the server's certificate in `server`"},
    {"proxy-url", "connect without a proxy, or through `kubectl proxy`"},
};
constexpr Unsupported kPersonalInUser[] = {
    {"exec", "make a token with `kubectl create token` and give it as token or tokenFile"},
};
constexpr Unsupported kInUser[] = {
    {"auth-provider", "make a token with `kubectl create token` and give it as token or tokenFile"},
    {"username", "use a client certificate or a token"},
    {"password", "use a client certificate or a token"},
    {"as", "use the credentials of the account itself"},
    {"as-uid", "use the credentials of the account itself"},
    {"as-groups", "use the credentials of the account itself"},
    {"as-user-extra", "use the credentials of the account itself"},
};

template <size_t count>
Result<void> Refuse(const Section& section, const Unsupported (&keys)[count]) {
  for (const Unsupported& one : keys) {
    const auto found = section.value.find(one.key);
    if (found == section.value.end() || found->is_null() || *found == json(false) || *found == json(""))
      continue;
    return section.Wrong(std::string(one.key) + " is not supported; " + one.way_out);
  }
  return {};
}

/// KEY-data (base64) or else KEY (a file, relative to the kubeconfig's folder).
Result<Pem> ReadPemKeys(const Section& section, const std::string& key) {
  const auto data = section.Text((key + "-data").c_str());
  if (!data) return tl::unexpected(data.error());
  const auto file = section.Text(key.c_str());
  if (!file) return tl::unexpected(file.error());
  Pem pem;
  if (!data->empty()) {
    auto decoded = DecodeBase64(*data);
    if (!decoded) return section.Wrong(key + "-data: " + decoded.error().message);
    pem.data = std::move(*decoded);
  } else if (!file->empty()) {
    pem.file = section.folder / *file;  // an absolute path stays
  }
  return pem;
}

Result<void> ReadCluster(const Section& cluster, TransportConfig& config) {
  auto server = cluster.Text("server");
  if (!server) return tl::unexpected(server.error());
  if (server->rfind("https://", 0) != 0 && server->rfind("http://", 0) != 0)
    return cluster.Wrong("server must begin with https:// or http://");
  while (server->back() == '/') server->pop_back();
  config.server = std::move(*server);
  auto ca = ReadPemKeys(cluster, "certificate-authority");
  if (!ca) return tl::unexpected(ca.error());
  config.ca = std::move(*ca);
  return {};
}

/// What of a cluster only people may have.
Result<void> ReadPersonalCluster(const Section& cluster, TransportConfig& config) {
  auto name = cluster.Text("tls-server-name");
  if (!name) return tl::unexpected(name.error());
  const auto skip = cluster.Flag("insecure-skip-tls-verify");
  if (!skip) return tl::unexpected(skip.error());
  if (*skip && !config.ca.Empty())
    return cluster.Wrong("has a certificate-authority and insecure-skip-tls-verify; take one of them away");
  const auto own = cluster.Text("proxy-url");
  if (!own) return tl::unexpected(own.error());
  auto proxy = CheckProxy(own->empty() ? ProxyFor(config.server, ProxiesOfEnvironment()) : *own);
  if (!proxy) return cluster.Wrong(proxy.error().message);
  config.tls_server_name = std::move(*name);
  config.skip_tls_verify = *skip;
  config.proxy = std::move(*proxy);
  return {};
}

Result<void> ReadUser(const Section& user, TransportConfig& config) {
  if (auto refused = Refuse(user, kInUser); !refused) return refused;
  auto certificate = ReadPemKeys(user, "client-certificate");
  if (!certificate) return tl::unexpected(certificate.error());
  auto key = ReadPemKeys(user, "client-key");
  if (!key) return tl::unexpected(key.error());
  auto token = user.Text("token");
  if (!token) return tl::unexpected(token.error());
  const auto token_file = user.Text("tokenFile");
  if (!token_file) return tl::unexpected(token_file.error());
  config.client_certificate = std::move(*certificate);
  config.client_key = std::move(*key);
  config.token = std::move(*token);
  if (!token_file->empty()) config.token_file = user.folder / *token_file;
  return {};
}

Result<ClusterConfig> Load(const KubeconfigFiles& files, std::string context_name, bool personal) {
  if (context_name.empty()) {
    auto current = files.CurrentContext();
    if (!current) return tl::unexpected(current.error());
    context_name = std::move(*current);
  }
  const auto context = files.Find("contexts", "context", context_name);
  if (!context) return tl::unexpected(context.error());
  const auto cluster_name = context->Text("cluster");
  if (!cluster_name) return tl::unexpected(cluster_name.error());
  const auto user_name = context->Text("user");
  if (!user_name) return tl::unexpected(user_name.error());
  const auto cluster = files.Find("clusters", "cluster", *cluster_name);
  if (!cluster) return tl::unexpected(cluster.error());
  const auto namespace_name = context->Text("namespace");
  if (!namespace_name) return tl::unexpected(namespace_name.error());

  ClusterConfig config;
  config.namespace_name = namespace_name->empty() ? "default" : *namespace_name;
  config.place = context->place;
  if (!personal) {
    if (auto refused = Refuse(*cluster, kPersonalInCluster); !refused) return tl::unexpected(refused.error());
  }
  if (auto read = ReadCluster(*cluster, config.transport); !read) return tl::unexpected(read.error());
  if (personal) {
    if (auto read = ReadPersonalCluster(*cluster, config.transport); !read)
      return tl::unexpected(read.error());
  }
  if (user_name->empty()) return config;  // anonymous, as for `kubectl proxy`
  const auto user = files.Find("users", "user", *user_name);
  if (!user) return tl::unexpected(user.error());
  if (!personal) {
    if (auto refused = Refuse(*user, kPersonalInUser); !refused) return tl::unexpected(refused.error());
  }
  if (auto read = ReadUser(*user, config.transport); !read) return tl::unexpected(read.error());
  // A token comes before a plugin, as in kubectl
  const bool given = !config.transport.token.empty() || !config.transport.token_file.empty();
  if (given || !user->value.contains("exec")) return config;
  auto plugin = ReadExecSection(*user, *cluster, config.transport);
  if (!plugin) return tl::unexpected(plugin.error());
  config.plugin = std::move(*plugin);
  return config;
}

}  // namespace

Result<ClusterConfig> LoadKubeconfig(std::filesystem::path path, std::string context) {
  if (path.empty()) {
    Paths paths = DefaultPaths();
    if (paths.empty()) return Fail("no kubeconfig: neither KUBECONFIG nor HOME is set");
    if (paths.size() > 1)
      return Fail(
          "KUBECONFIG: a list of files is not supported; merge them with `kubectl config view --flatten`");
    path = std::move(paths.front());
  }
  const auto files = KubeconfigFiles::Read({path}, /*skip_missing=*/false);
  if (!files) return tl::unexpected(files.error());
  return Load(*files, std::move(context), /*personal=*/false);
}

Result<ClusterConfig> LoadPersonalKubeconfig(const std::filesystem::path& path, const std::string& context) {
  const Paths paths = path.empty() ? DefaultPaths() : Paths{path};
  const auto files = KubeconfigFiles::Read(paths, /*skip_missing=*/path.empty());
  if (!files) return tl::unexpected(files.error());
  if (!files->Empty()) return Load(*files, context, /*personal=*/true);
  if (context.empty() && !Variable("KUBERNETES_SERVICE_HOST").empty()) return LoadInCluster();
  std::string tried;
  for (const std::filesystem::path& one : paths) tried += (tried.empty() ? "" : ", ") + one.string();
  return Fail(
      "no kubeconfig: " + (tried.empty() ? "neither KUBECONFIG nor HOME is set" : tried + " does not exist") +
      "; name one with --kubeconfig or in KUBECONFIG");
}

}  // namespace imagebatch::kube
