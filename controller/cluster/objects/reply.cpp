#include "cluster/objects/reply.h"

#include <algorithm>

#include "base/text.h"
#include "document/json_member.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

/// The Status that a refusal brings; an empty object where it brings none.
json StatusIn(const kube::Response& response) {
  json status = json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  return status.is_object() ? status : json::object();
}

}  // namespace

bool NamespaceIsEnding(const Result<kube::Response>& response) {
  if (!HasStatus(response, 403) && !HasStatus(response, 404)) return false;
  const json status = StatusIn(*response);
  const auto details = status.find("details");
  if (details == status.end() || !details->is_object()) return false;
  if (response->status == 404) return document::StringMember(*details, "kind") == "namespaces";
  const auto causes = details->find("causes");
  if (causes == details->end() || !causes->is_array()) return false;
  return std::any_of(causes->begin(), causes->end(), [](const json& cause) {
    return cause.is_object() && document::StringMember(cause, "reason") == "NamespaceTerminating";
  });
}

// The API server's own words; where it serves no version of the group they are no Status
bool IsUnknownKind(const Result<kube::Response>& response) {
  return HasStatus(response, 404) &&
         (response->body.find("the server could not find the requested resource") != std::string::npos ||
          response->body.starts_with("404 page not found"));
}

std::string ErrorReason(const Result<kube::Response>& response) {
  return response && !Ok(response) ? document::StringMember(StatusIn(*response), "reason") : "";
}

std::string ErrorMessage(const Result<kube::Response>& response) {
  constexpr size_t kLimit = 1024;
  if (!response) return Printable(response.error().message, kLimit);
  const std::string message = document::StringMember(StatusIn(*response), "message");
  return message.empty() ? "the API server answered " + std::to_string(response->status)
                         : Printable(message, kLimit);
}

}  // namespace imagebatch::cluster
