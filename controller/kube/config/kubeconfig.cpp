#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "document/read.h"
#include "kube/config/config.h"
#include "kube/config/file.h"

namespace imagebatch::kube {
namespace {

using nlohmann::json;

constexpr size_t kMaxKubeconfigBytes = 4 << 20;

/// The place of $KUBECONFIG or ~/.kube/config.
Result<std::filesystem::path> DefaultPath() {
  // The environment does not change after the start
  const char* set = std::getenv("KUBECONFIG");  // NOLINT(concurrency-mt-unsafe)
  if (set != nullptr && *set != '\0') {
    const std::string value = set;
    if (value.find(':') != std::string::npos)
      return Fail(
          "KUBECONFIG: a list of files is not supported; merge them with `kubectl config view --flatten`");
    return value;
  }
  const char* home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe)
  if (home == nullptr || *home == '\0') return Fail("no kubeconfig: neither KUBECONFIG nor HOME is set");
  return std::filesystem::path(home) / ".kube" / "config";
}

/// One object of the file with its place in messages, such as `user "admin"`.
struct Section {
  json value;
  std::string place;

  Result<std::string> Text(const char* key) const {
    const auto found = value.find(key);
    if (found == value.end() || found->is_null()) return "";
    if (!found->is_string()) return Fail(place + ": " + key + " must be a string (put it in quotes)");
    return found->get<std::string>();
  }
};

/// The entry called `name` of the list `list`, its part `kind`: {name: NAME, KIND: {...}}.
Result<Section> Find(const json& file, const char* list, const char* kind, const std::string& name) {
  const std::string place = std::string(kind) + " \"" + name + "\"";
  const auto entries = file.find(list);
  if (entries != file.end() && entries->is_array()) {
    for (const json& entry : *entries) {
      if (!entry.is_object() || entry.value("name", json()) != json(name)) continue;
      const auto part = entry.find(kind);
      if (part == entry.end() || !part->is_object()) return Fail(place + " has no " + kind + ": {...}");
      return Section{*part, place};
    }
  }
  return Fail(std::string("no ") + place + " in " + list);
}

struct Unsupported {
  const char* key;
  const char* way_out;
};

constexpr Unsupported kInCluster[] = {
    {"insecure-skip-tls-verify", "give the server's CA as certificate-authority"},
    {"tls-server-name", "use a name of the server's certificate in `server`"},
    {"proxy-url", "connect without a proxy, or through `kubectl proxy`"},
};
constexpr Unsupported kInUser[] = {
    {"exec", "make a token with `kubectl create token` and give it as token or tokenFile"},
    {"auth-provider", "make a token with `kubectl create token` and give it as token or tokenFile"},
    {"username", "use a client certificate or a token"},
    {"password", "use a client certificate or a token"},
    {"as", "use the credentials of the account itself"},
};

template <size_t count>
Result<void> Refuse(const Section& section, const Unsupported (&keys)[count]) {
  for (const Unsupported& one : keys) {
    const auto found = section.value.find(one.key);
    if (found == section.value.end() || found->is_null() || *found == json(false) || *found == json(""))
      continue;
    return Fail(section.place + ": " + one.key + " is not supported; " + one.way_out);
  }
  return {};
}

/// KEY-data (base64) or else KEY (a file, relative to the kubeconfig's folder).
Result<Pem> ReadPemKeys(const Section& section, const std::string& key, const std::filesystem::path& folder) {
  const auto data = section.Text((key + "-data").c_str());
  if (!data) return tl::unexpected(data.error());
  const auto file = section.Text(key.c_str());
  if (!file) return tl::unexpected(file.error());
  Pem pem;
  if (!data->empty()) {
    auto decoded = DecodeBase64(*data);
    if (!decoded) return Fail(section.place + ": " + key + "-data: " + decoded.error().message);
    pem.data = std::move(*decoded);
  } else if (!file->empty()) {
    pem.file = folder / *file;  // an absolute path stays
  }
  return pem;
}

Result<void> ReadCluster(const Section& cluster, const std::filesystem::path& folder,
                         TransportConfig& config) {
  if (auto refused = Refuse(cluster, kInCluster); !refused) return refused;
  auto server = cluster.Text("server");
  if (!server) return tl::unexpected(server.error());
  if (server->rfind("https://", 0) != 0 && server->rfind("http://", 0) != 0)
    return Fail(cluster.place + ": server must begin with https:// or http://");
  while (server->back() == '/') server->pop_back();
  config.server = std::move(*server);
  auto ca = ReadPemKeys(cluster, "certificate-authority", folder);
  if (!ca) return tl::unexpected(ca.error());
  config.ca = std::move(*ca);
  return {};
}

Result<void> ReadUser(const Section& user, const std::filesystem::path& folder, TransportConfig& config) {
  if (auto refused = Refuse(user, kInUser); !refused) return refused;
  auto certificate = ReadPemKeys(user, "client-certificate", folder);
  if (!certificate) return tl::unexpected(certificate.error());
  auto key = ReadPemKeys(user, "client-key", folder);
  if (!key) return tl::unexpected(key.error());
  auto token = user.Text("token");
  if (!token) return tl::unexpected(token.error());
  const auto token_file = user.Text("tokenFile");
  if (!token_file) return tl::unexpected(token_file.error());
  config.client_certificate = std::move(*certificate);
  config.client_key = std::move(*key);
  config.token = std::move(*token);
  if (!token_file->empty()) config.token_file = folder / *token_file;
  return {};
}

Result<ClusterConfig> Read(const json& file, const std::filesystem::path& folder, std::string context_name) {
  const Section top{file, "kubeconfig"};
  if (!file.is_object()) return Fail("not a kubeconfig: the top is not a mapping");
  if (context_name.empty()) {
    auto current = top.Text("current-context");
    if (!current) return tl::unexpected(current.error());
    if (current->empty()) return Fail("no current-context; name a context");
    context_name = std::move(*current);
  }
  const auto context = Find(file, "contexts", "context", context_name);
  if (!context) return tl::unexpected(context.error());
  const auto cluster_name = context->Text("cluster");
  if (!cluster_name) return tl::unexpected(cluster_name.error());
  const auto user_name = context->Text("user");
  if (!user_name) return tl::unexpected(user_name.error());
  const auto cluster = Find(file, "clusters", "cluster", *cluster_name);
  if (!cluster) return tl::unexpected(cluster.error());
  const auto namespace_name = context->Text("namespace");
  if (!namespace_name) return tl::unexpected(namespace_name.error());

  ClusterConfig config;
  config.namespace_name = namespace_name->empty() ? "default" : *namespace_name;
  if (auto read = ReadCluster(*cluster, folder, config.transport); !read) return tl::unexpected(read.error());
  if (user_name->empty()) return config;  // anonymous, as for `kubectl proxy`
  const auto user = Find(file, "users", "user", *user_name);
  if (!user) return tl::unexpected(user.error());
  if (auto read = ReadUser(*user, folder, config.transport); !read) return tl::unexpected(read.error());
  return config;
}

}  // namespace

Result<ClusterConfig> LoadKubeconfig(std::filesystem::path path, std::string context) {
  if (path.empty()) {
    auto standard = DefaultPath();
    if (!standard) return tl::unexpected(standard.error());
    path = std::move(*standard);
  }
  const auto text = ReadFile(path, kMaxKubeconfigBytes);
  if (!text) return tl::unexpected(text.error());
  const auto file = document::ReadYaml(*text, kMaxKubeconfigBytes);
  if (!file) return Fail(path.string() + ": " + file.error().message);
  std::error_code error;
  const auto folder = std::filesystem::absolute(path, error).parent_path();
  auto config = Read(*file, folder, std::move(context));
  if (!config) return Fail(path.string() + ": " + config.error().message);
  return config;
}

}  // namespace imagebatch::kube
