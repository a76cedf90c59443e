#include "cluster/objects/object_events.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/percent_encode.h"
#include "base/time.h"
#include "cluster/objects/names.h"
#include "document/json_member.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

Time At(const json& object, const char* key) {
  return ParseTime(document::StringMember(object, key)).value_or(Time{});
}

/// When it was last seen: three places, by the age of the component that wrote it.
Time LastSeen(const json& event) {
  Time last = std::max(At(event, "lastTimestamp"), At(event, "eventTime"));
  const auto series = event.find("series");
  if (series != event.end() && series->is_object()) last = std::max(last, At(*series, "lastObservedTime"));
  return last;
}

/// The container that the kubelet names in a path: spec.containers{build}.
std::string ContainerOf(const json& event) {
  const auto object = event.find("involvedObject");
  if (object == event.end() || !object->is_object()) return {};
  const std::string path = document::StringMember(*object, "fieldPath");
  const size_t from = path.find('{'), to = path.find('}');
  return from < to && to != std::string::npos ? path.substr(from + 1, to - from - 1) : std::string();
}

/// Of two that were last seen at once, the one that comes later.
void Keep(std::optional<ObjectEvent>& newest, const ObjectEvent& other) {
  if (!newest || other.at >= newest->at) newest = other;
}

/// The Events in a list; nothing where the text is none.
std::optional<json> ReadList(std::string_view text) {
  json list = json::parse(text, nullptr, false);
  const bool is_list = list.is_object() && list.contains("items") && list["items"].is_array();
  return is_list ? std::optional(std::move(list)) : std::nullopt;
}

}  // namespace

kube::Request EventsRequest(std::string_view ns, std::string_view uid) {
  kube::Request request;
  request.path =
      EventsPath(ns).append("?fieldSelector=involvedObject.uid%3D").append(uid).append("&limit=50");
  return request;
}

kube::Request EventsRequest(std::string_view ns, EventKind kind, std::string_view from) {
  kube::Request request;
  request.path = EventsPath(ns)
                     .append("?fieldSelector=involvedObject.kind%3D")
                     .append(kind == EventKind::Job ? "Job" : "Pod")
                     .append("&limit=500");
  if (!from.empty()) request.path.append("&continue=").append(PercentEncode(from));
  return request;
}

void TellingEvent::Offer(const json& item) {
  if (!item.is_object()) return;
  const ObjectEvent event{document::StringMember(item, "type") == "Warning",
                          document::StringMember(item, "reason"), document::StringMember(item, "message"),
                          ContainerOf(item), LastSeen(item)};
  if (event.warning && event.reason != "FailedScheduling") Keep(warning_, event);
  if (event.reason == "Pulling" || event.reason == "Pulled") Keep(image_, event);
  if (event.reason == "SuccessfulCreate") Keep(created_, event);
}

std::optional<ObjectEvent> TellingEvent::Get() const {
  const bool pulling = image_ && image_->reason == "Pulling";
  if (pulling && (!warning_ || image_->at > warning_->at)) return image_;
  return warning_ ? warning_ : created_;
}

std::optional<ObjectEvent> FindTelling(std::string_view list) {
  const auto read = ReadList(list);
  TellingEvent telling;
  if (!read) return std::nullopt;
  for (const json& item : (*read)["items"]) telling.Offer(item);
  return telling.Get();
}

bool EventsOfMany::Take(std::string_view page) {
  const auto read = ReadList(page);
  next_.clear();
  if (!read) return false;
  for (const json& item : (*read)["items"]) {
    const auto object = item.is_object() ? item.find("involvedObject") : item.end();
    if (!item.is_object() || object == item.end() || !object->is_object()) continue;
    std::string uid = document::StringMember(*object, "uid");
    if (uids_.contains(uid)) found_[std::move(uid)].Offer(item);
  }
  const auto metadata = read->find("metadata");
  if (metadata != read->end() && metadata->is_object()) next_ = document::StringMember(*metadata, "continue");
  return true;
}

std::optional<ObjectEvent> EventsOfMany::Of(const std::string& uid) const {
  const auto at = found_.find(uid);
  return at == found_.end() ? std::nullopt : at->second.Get();
}

}  // namespace imagebatch::cluster
