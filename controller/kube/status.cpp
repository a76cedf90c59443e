#include "kube/status.h"

#include "base/text.h"
#include "document/json_member.h"

namespace imagebatch::kube {
namespace {

constexpr size_t kMaxMessage = 1024;

}  // namespace

std::optional<Status> ReadStatus(std::string_view text) {
  const auto object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || document::StringMember(object, "kind") != "Status") return std::nullopt;
  Status status{0, document::StringMember(object, "reason"), document::StringMember(object, "message")};
  const auto code = object.find("code");
  if (code != object.end() && code->is_number_integer()) status.code = code->get<int>();
  return status;
}

Status Refusal(const Response& response) {
  Status status = ReadStatus(response.body).value_or(Status{0, "", response.body});
  status.code = response.status;
  return status;
}

std::string Describe(const Status& status) {
  std::string line = std::to_string(status.code);
  if (!status.reason.empty()) line.append(" ").append(status.reason);
  if (!status.message.empty()) line.append(": ").append(status.message);
  return Printable(line, kMaxMessage);
}

}  // namespace imagebatch::kube
