#include "cli/cluster/refusal.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/view/json_access.h"
#include "kube/request_stats.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;

constexpr int kUnauthorized = 401, kForbidden = 403, kNotFound = 404, kConflict = 409;
constexpr size_t kMost = 1200, kMostShort = 200;

std::string Bounded(const std::string& text) { return Printable(text, kMost); }

std::string In(const ClusterPlace& place) {
  return place.context.empty() ? place.server : place.server + " (" + place.context + ")";
}

/// The text between two marks; empty where they are not there.
std::string Between(const std::string& text, std::string_view before, std::string_view after) {
  const size_t begin = text.find(before);
  if (begin == std::string::npos) return "";
  const size_t end = text.find(after, begin + before.size());
  return end == std::string::npos ? "" : text.substr(begin + before.size(), end - begin - before.size());
}

/// The part of a path after `namespaces/`; empty where there is none.
std::string NamespaceOf(const std::string& path) {
  const std::string whole = path.substr(0, path.find('?')) + "/";
  return Between(whole, "/namespaces/", "/");
}

/// The group of /apis/GROUP/..., empty for the core group.
std::string GroupOf(const std::string& path) {
  return path.starts_with("/apis/") ? Between(path, "/apis/", "/") : "";
}

/// What has to be granted, for the resources that people ask about.
std::string WhoGrants(const kube::RequestKind& kind, const std::string& group) {
  const bool reads = kind.verb == "get" || kind.verb == "list" || kind.verb == "watch";
  if (group == "imagebatch.dev")
    return std::string("the ClusterRole imagebatch-") + (reads ? "viewer" : "editor") + " grants it";
  if (reads) return "the ClusterRole view grants it";
  return "ask whoever runs the cluster";
}

std::string TellForbidden(const kube::Request& request, const kube::Status& status) {
  const kube::RequestKind kind = kube::KindOf(request);
  const std::string group = GroupOf(request.path), ns = NamespaceOf(request.path);
  const std::string resource = kind.resource + (group.empty() ? "" : "." + group);
  // `... is forbidden: User "alice" cannot get resource ...`
  std::string who = Between(status.message, "User \"", "\"");
  // A quota, a policy or a webhook says so with the same code, and says why
  if (who.empty()) return "refused: " + status.message;
  return "no permission: user " + Quote(who) + " may not " + kind.verb + " " + resource +
         (ns.empty() ? " in all namespaces" : " in namespace " + ns) + "; " + WhoGrants(kind, group);
}

std::string TellUnknown(const kube::Request& request, const kube::Status& status, const ClusterPlace& place) {
  const std::string group = GroupOf(request.path);
  if (group == "imagebatch.dev")
    return "imagebatch is not installed in the cluster " + In(place) + ": it does not know kind " +
           (request.path.find("imagebatchrecords") == std::string::npos ? "ImageBatch" : "ImageBatchRecord") +
           " (CRD imagebatches.imagebatch.dev); install the chart, or name another cluster with --context";
  return "not found: " + status.message;
}

bool Has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

bool IsMissingObject(const kube::Response& response) {
  const json status = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  return response.status == kNotFound && TextAt(status, "kind") == "Status" &&
         !TextAt(At(status, "details"), "name").empty();
}

std::string TellRefusal(const kube::Request& request, const kube::Response& response,
                        const ClusterPlace& place) {
  const kube::Status status = kube::Refusal(response);
  switch (status.code) {
    case kUnauthorized:
      return Bounded("the API server " + In(place) + " does not accept the credentials: " +
                     (place.plugin ? "the plugin gives some that are refused; log in to it again"
                                   : "the token or the certificate has expired or is wrong; log in again"));
    case kForbidden:
      return Bounded(TellForbidden(request, status));
    case kNotFound:
      if (!IsMissingObject(response)) return Bounded(TellUnknown(request, status, place));
      return Bounded("not found: " + status.message);
    case kConflict:
      return Bounded("conflict: " + status.message);
    default:
      return Bounded("the API server " + In(place) + " refused this: " + kube::Describe(status));
  }
}

std::string TellNoAnswer(const std::string& error, const ClusterPlace& place) {
  const std::string begin = "cannot talk to the API server " + In(place) + ": ";
  if (Has(error, "certificate verify failed") || Has(error, "SSL handshake") || Has(error, "tlsv1 alert") ||
      Has(error, "sslv3 alert"))
    return Bounded(
        begin + "TLS failed: " + Printable(error, kMostShort) +
        "; is certificate-authority of this cluster right, and the host (or tls-server-name) a name of the "
        "server's certificate?");
  // The kubeconfig's own faults and the plugin's say where they are
  if (Has(error, ": exec: ") || Has(error, "certificate") || Has(error, "token")) return Bounded(error);
  return Bounded(begin + Printable(error, kMostShort) + "; is it running, and is the address right?");
}

}  // namespace imagebatch::cli
