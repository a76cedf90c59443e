#include "cli/cluster/cluster.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/mask.h"
#include "base/percent_encode.h"
#include "base/text.h"
#include "batch/problems.h"
#include "cli/view/json_access.h"
#include "kube/config/config.h"
#include "kube/plugin_transport.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;

constexpr int kOk = 200, kNotFound = 404, kTooMany = 429, kUnavailable = 503;
constexpr int kTries = 5;
constexpr std::chrono::seconds kLongestPause(10);

bool Succeeded(const kube::Response& response) { return response.status / 100 == kOk / 100; }

/// The characters that a name or a namespace may have: others would lead to another path.
bool IsName(const std::string& name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

kube::Request GetRequest(std::string path) {
  kube::Request request;
  request.path = std::move(path);
  return request;
}

}  // namespace

Result<std::unique_ptr<Cluster>> Cluster::Connect(const Where& where) {
  if (!where.ns.empty() && !IsName(where.ns)) return Fail(Quote(where.ns) + " is no name of a namespace");
  auto config = kube::LoadPersonalKubeconfig(where.kubeconfig, where.context);
  if (!config) return tl::unexpected(config.error());
  static const SystemClock clock;
  auto transport = kube::MakePersonalTransport(*config, isatty(STDIN_FILENO) == 1, clock);
  if (!transport)
    return Fail(config->place.empty() ? transport.error().message
                                      : config->place + ": " + transport.error().message);
  std::string ns = where.ns.empty() ? config->namespace_name : where.ns;
  return std::make_unique<Cluster>(
      std::move(*transport), where.all_namespaces ? "" : std::move(ns),
      ClusterPlace{MaskSecrets(config->transport.server), config->place, config->plugin.has_value()});
}

Cluster::Cluster(std::unique_ptr<kube::HttpTransport> transport, std::string ns, ClusterPlace place)
    : transport_(std::move(transport)),
      client_(*transport_, stats_),
      ns_(std::move(ns)),
      place_(std::move(place)) {}

Result<kube::Response> Cluster::Send(const kube::Request& request) {
  for (int tries = 1;; ++tries) {
    auto response = client_.Send(request);
    if (!response) return Fail(TellNoAnswer(response.error().message, place_));
    const bool later = response->status == kTooMany || response->status == kUnavailable;
    if (!later || !response->retry_after || tries == kTries) return response;
    std::this_thread::sleep_for(std::min(*response->retry_after, kLongestPause));
  }
}

Result<std::optional<json>> Cluster::Find(const std::string& path) {
  const kube::Request request = GetRequest(path);
  const auto response = Send(request);
  if (!response) return tl::unexpected(response.error());
  if (response->status == kNotFound && IsMissingObject(*response)) return std::nullopt;
  if (!Succeeded(*response)) return Fail(TellRefusal(request, *response, place_));
  json object = json::parse(response->body, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object())
    return Fail("the API server " + place_.server + " sent something else than an object");
  return object;
}

Result<std::vector<json>> Cluster::List(const std::string& path, const std::string& selector) {
  std::vector<json> items;
  std::string from;
  do {
    std::string query = "?limit=500";
    if (!selector.empty()) query += "&labelSelector=" + PercentEncode(selector);
    if (!from.empty()) query += "&continue=" + PercentEncode(from);
    const kube::Request request = GetRequest(path + query);
    const auto response = Send(request);
    if (!response) return tl::unexpected(response.error());
    if (!Succeeded(*response)) return Fail(TellRefusal(request, *response, place_));
    json page = json::parse(response->body, nullptr, /*allow_exceptions=*/false);
    if (!page.is_object())
      return Fail("the API server " + place_.server + " sent something else than a list");
    const auto found = page.find("items");
    if (found != page.end() && found->is_array()) {
      for (json& item : *found) items.push_back(std::move(item));
    }
    from = TextAt(At(page, "metadata"), "continue");
  } while (!from.empty());
  return items;
}

Result<json> Cluster::Batch(const std::string& name) {
  if (!IsName(name)) return Fail(Quote(name) + " is no name of an ImageBatch");
  auto found = Find(kube::ObjectPath(kBatches, ns_, name));
  if (!found) return tl::unexpected(found.error());
  if (*found) return std::move(**found);
  const std::string missing = "there is no ImageBatch " + Quote(name) + " in namespace " + ns_;
  const auto others = List(kube::CollectionPath(kBatches, ns_));
  if (!others) return Fail(missing);
  if (others->empty())
    return Fail(missing + ", nor any other; `imagebatch status -A` lists those of all namespaces");
  std::vector<std::string> names;
  for (const json& other : *others) names.push_back(TextAt(At(other, "metadata"), "name"));
  const std::string guess = batch::DidYouMean(name, {names.begin(), names.end()});
  if (!guess.empty()) return Fail(missing + Printable(guess, 100));
  return Fail(missing + "; there are: " + Printable(batch::Listed({names.begin(), names.end()}), 400));
}

kube::Request PatchRequest(const std::string& path, const json& patch, const char* content_type) {
  kube::Request request;
  request.method = kube::Method::Patch;
  request.path = path + "?fieldManager=imagebatch-cli&fieldValidation=Strict";
  request.body = patch.dump(-1, ' ', false, json::error_handler_t::replace);
  request.content_type = content_type;
  return request;
}

}  // namespace imagebatch::cli
