#include "kube/config/exec_section.h"

#include "base/base64.h"
#include "base/text.h"

namespace imagebatch::kube {
namespace {

using nlohmann::json;

constexpr const char* kV1 = "client.authentication.k8s.io/v1";
constexpr const char* kV1Beta1 = "client.authentication.k8s.io/v1beta1";
/// Where kubeconfigs keep what a plugin wants to know of a cluster.
constexpr const char* kExtension = "client.authentication.k8s.io/exec";

const json* Member(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<void> ReadArguments(const Section& exec, std::vector<std::string>& arguments) {
  const json* list = Member(exec.value, "args");
  if (list == nullptr) return {};
  if (!list->is_array()) return exec.Wrong("args must be a list of strings");
  for (const json& one : *list) {
    if (!one.is_string()) return exec.Wrong("args must be a list of strings (put numbers in quotes)");
    arguments.push_back(one.get<std::string>());
  }
  return {};
}

Result<void> ReadEnvironment(const Section& exec,
                             std::vector<std::pair<std::string, std::string>>& environment) {
  const json* list = Member(exec.value, "env");
  if (list == nullptr) return {};
  if (!list->is_array()) return exec.Wrong("env must be a list of {name, value}");
  for (const json& one : *list) {
    if (!one.is_object()) return exec.Wrong("env must be a list of {name, value}");
    const Section variable{one, exec.place + ": env", {}};
    auto name = variable.Text("name");
    if (!name) return tl::unexpected(name.error());
    auto value = variable.Text("value");
    if (!value) return tl::unexpected(value.error());
    if (name->empty() || name->find('=') != std::string::npos)
      return variable.Wrong("name must be the name of a variable");
    environment.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

Result<ExecPlugin::Interactive> ReadInteractive(const Section& exec, const std::string& api_version) {
  const auto mode = exec.Text("interactiveMode");
  if (!mode) return tl::unexpected(mode.error());
  if (*mode == "Never") return ExecPlugin::Interactive::Never;
  if (*mode == "Always") return ExecPlugin::Interactive::Always;
  if (*mode == "IfAvailable" || (mode->empty() && api_version == kV1Beta1))
    return ExecPlugin::Interactive::IfAvailable;
  return exec.Wrong("interactiveMode must be Never, IfAvailable or Always");
}

/// spec.cluster of what the plugin is told.
Result<std::string> ClusterInfo(const Section& cluster, const TransportConfig& transport) {
  json info = {{"server", transport.server}};
  if (!transport.tls_server_name.empty()) info["tls-server-name"] = transport.tls_server_name;
  if (transport.skip_tls_verify) info["insecure-skip-tls-verify"] = true;
  if (!transport.ca.Empty()) {
    const auto ca = ReadPem(transport.ca);
    if (!ca) return cluster.Wrong("certificate-authority: " + ca.error().message);
    info["certificate-authority-data"] = EncodeBase64(*ca);
  }
  const auto proxy = cluster.Text("proxy-url");
  if (proxy && !proxy->empty()) info["proxy-url"] = *proxy;
  const json* extensions = Member(cluster.value, "extensions");
  if (extensions != nullptr && extensions->is_array()) {
    for (const json& one : *extensions) {
      if (!one.is_object() || one.value("name", json()) != json(kExtension)) continue;
      if (const json* config = Member(one, "extension")) info["config"] = *config;
    }
  }
  return info.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Result<ExecPlugin> ReadExecSection(const Section& user, const Section& cluster,
                                   const TransportConfig& transport) {
  const Section exec{user.value.at("exec"), user.place + ": exec", user.folder};
  if (!exec.value.is_object()) return exec.Wrong("must be a mapping");
  ExecPlugin plugin;
  plugin.place = exec.place;
  auto api_version = exec.Text("apiVersion");
  if (!api_version) return tl::unexpected(api_version.error());
  if (*api_version != kV1 && *api_version != kV1Beta1)
    return exec.Wrong("apiVersion " + Quote(*api_version) + " is not supported; " + kV1 + " and " + kV1Beta1 +
                      " are (update the plugin and its entry)");
  auto command = exec.Text("command");
  if (!command) return tl::unexpected(command.error());
  if (command->empty()) return exec.Wrong("has no command");
  // As in client-go: relative to the file, but for what is looked up in $PATH
  plugin.command = command->find('/') == std::string::npos
                       ? *command
                       : (exec.folder / *command).lexically_normal().string();
  if (auto read = ReadArguments(exec, plugin.arguments); !read) return tl::unexpected(read.error());
  if (auto read = ReadEnvironment(exec, plugin.environment); !read) return tl::unexpected(read.error());
  auto hint = exec.Text("installHint");
  if (!hint) return tl::unexpected(hint.error());
  const auto interactive = ReadInteractive(exec, *api_version);
  if (!interactive) return tl::unexpected(interactive.error());
  const auto wants_cluster = exec.Flag("provideClusterInfo");
  if (!wants_cluster) return tl::unexpected(wants_cluster.error());
  if (*wants_cluster) {
    auto info = ClusterInfo(cluster, transport);
    if (!info) return tl::unexpected(info.error());
    plugin.cluster = std::move(*info);
  }
  plugin.api_version = std::move(*api_version);
  plugin.install_hint = std::move(*hint);
  plugin.interactive = *interactive;
  return plugin;
}

}  // namespace imagebatch::kube
