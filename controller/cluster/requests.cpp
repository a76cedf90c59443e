#include "cluster/requests.h"

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace imagebatch::cluster {

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
