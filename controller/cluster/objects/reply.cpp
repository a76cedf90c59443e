#include "cluster/objects/reply.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace imagebatch::cluster {

bool NamespaceIsEnding(const Result<kube::Response>& response) {
  if (!HasStatus(response, 403) && !HasStatus(response, 404)) return false;
  const nlohmann::json status = nlohmann::json::parse(response->body, nullptr, false);
  const auto details = status.is_object() ? status.find("details") : status.end();
  if (!status.is_object() || details == status.end() || !details->is_object()) return false;
  if (response->status == 404) return details->value("kind", nlohmann::json()) == "namespaces";
  const auto causes = details->find("causes");
  if (causes == details->end() || !causes->is_array()) return false;
  return std::any_of(causes->begin(), causes->end(), [](const nlohmann::json& cause) {
    return cause.is_object() && cause.value("reason", nlohmann::json()) == "NamespaceTerminating";
  });
}

// The API server's own words; where it serves no version of the group they are no Status
bool IsUnknownKind(const Result<kube::Response>& response) {
  return HasStatus(response, 404) &&
         (response->body.find("the server could not find the requested resource") != std::string::npos ||
          response->body.starts_with("404 page not found"));
}

std::string ErrorReason(const Result<kube::Response>& response) {
  if (!response || response->status / 100 == 2) return {};
  const nlohmann::json status = nlohmann::json::parse(response->body, nullptr, false);
  const auto reason = status.is_object() ? status.find("reason") : status.end();
  return reason != status.end() && reason->is_string() ? reason->get<std::string>() : std::string();
}

std::string ErrorMessage(const Result<kube::Response>& response) {
  constexpr size_t kLimit = 1024;
  if (!response) return Printable(response.error().message, kLimit);
  const nlohmann::json status = nlohmann::json::parse(response->body, nullptr, false);
  if (status.is_object()) {
    const auto message = status.find("message");
    if (message != status.end() && message->is_string())
      return Printable(message->get<std::string>(), kLimit);
  }
  return "the API server answered " + std::to_string(response->status);
}

}  // namespace imagebatch::cluster
