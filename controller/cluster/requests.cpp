#include "cluster/requests.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/text.h"

namespace imagebatch::cluster {

void Requests::Note(const void* owner, const Errand& errand, const Result<kube::Response>& response,
                    Now now) {
  NoteAccount(response, now);
  if (NamespaceIsEnding(response)) {
    ending_.insert(owner);
    return;
  }
  const auto known = troubles_.find(owner);
  if (known != troubles_.end()) return known->second.Answered(errand, response, now);
  if (Failed(errand.purpose, response)) troubles_[owner].Answered(errand, response, now);
}

// A token that is not accepted is told here, once for all that is asked: a watch that is open goes on without
// it, and would tell it minutes later. It is over when it has been accepted for a minute.
void Requests::NoteAccount(const Result<kube::Response>& response, Now now) {
  if (HasStatus(response, 401)) {
    unaccepted_ = now.steady;
    if (unaccepted_since_) return;
    unaccepted_since_ = now.steady;
    return log::Warn("the API server does not accept the controller's token (" + ErrorMessage(response) +
                     "); it is read and tried again");
  }
  if (!response || !unaccepted_since_ || now.steady < unaccepted_ + std::chrono::minutes(1)) return;
  const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(unaccepted_ - *unaccepted_since_);
  log::Info("the API server accepts the controller's token again, after " + std::to_string(lasted.count()) +
            " s");
  unaccepted_since_.reset();
}

std::map<Purpose, Time> Requests::FailingSince(const void* owner) const {
  std::map<Purpose, Time> failing;
  const auto at = troubles_.find(owner);
  if (at == troubles_.end()) return failing;
  for (size_t i = 0; i < kPurposes; ++i) {
    const auto purpose = static_cast<Purpose>(i);
    if (const auto since = at->second.FailingSince(purpose)) failing.emplace(purpose, *since);
  }
  return failing;
}

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
