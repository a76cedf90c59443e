#include "cluster/objects/evidence.h"

#include <algorithm>

#include "base/text.h"
#include "contract/contract.h"
#include "document/json_member.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
namespace key = contract::key;

constexpr size_t kLineLimit = size_t{64} * 1024;  // the runner's own limit is 8 KiB
constexpr size_t kMostLevels = 32;                // the runner writes four

template <class Json>
std::string Text(const Json& object, const char* key, size_t limit) {
  return Printable(document::StringMember(object, key), limit);
}

/// The verdict in a line or an account of the runner; nothing where it is none, or that the build goes on.
template <class Json>
std::optional<Verdict> VerdictOf(const Json& object) {
  if (Text(object, key::kVerdict, 40) != contract::kHung) return std::nullopt;
  // A class becomes the reason of a condition and a label of metrics: never just what a line says
  const std::string class_name = Text(object, key::kClass, 40);
  if (std::find(contract::kClasses.begin(), contract::kClasses.end(), class_name) == contract::kClasses.end())
    return std::nullopt;
  const auto since = ParseTime(Text(object, key::kSince, 40));
  if (!since) return std::nullopt;
  std::string reason = Text(object, key::kReason, contract::kReasonBytes);
  Alike alike = AlikeOf(document::StringMember(object, key::kFingerprint),
                        document::StringMember(object, key::kSummary), class_name, reason);
  return Verdict{Verdict::Kind::Hang, class_name, std::move(reason), Text(object, key::kMessage, 512), *since,
                 std::move(alike)};
}

std::string Layout(const ordered_json& object) {
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

std::optional<Saying> ReadSaying(std::string_view line, std::string_view marker) {
  static const std::string start = std::string("{\"") + key::kKind + "\":";
  if (!line.starts_with(start) || line.size() > kLineLimit || marker.empty()) return std::nullopt;
  // Laid out with their indentation, levels cost their square
  if (NestedDeeper(line, kMostLevels)) return std::nullopt;
  ordered_json object = ordered_json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  if (document::StringMember(object, key::kMarker) != marker) return std::nullopt;
  object.erase(key::kMarker);
  if (Text(object, key::kVerdict, 40) == contract::kProgressing) return Saying{};
  const auto verdict = VerdictOf(object);
  if (!verdict) return std::nullopt;
  return Saying{Evidence{*verdict, Layout(object)}};
}

std::optional<Evidence> EvidenceOfAccount(const json& account) {
  if (!account.is_object()) return std::nullopt;
  const auto verdict = VerdictOf(account);
  if (!verdict) return std::nullopt;
  return Evidence{*verdict, Layout(ordered_json(account))};
}

}  // namespace imagebatch::cluster
