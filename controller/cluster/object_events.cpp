#include "cluster/object_events.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "cluster/names.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

std::string String(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

Time At(const json& object, const char* key) { return ParseTime(String(object, key)).value_or(Time{}); }

/// When it was last seen: three places, by the age of the component that wrote it.
Time LastSeen(const json& event) {
  Time last = std::max(At(event, "lastTimestamp"), At(event, "eventTime"));
  const auto series = event.find("series");
  if (series != event.end() && series->is_object()) last = std::max(last, At(*series, "lastObservedTime"));
  return last;
}

struct Newest {
  Time at{};
  std::optional<ObjectEvent> event;

  void Offer(Time time, const ObjectEvent& other) {
    if (event && time < at) return;
    at = time;
    event = other;
  }
};

}  // namespace

kube::Request EventsRequest(std::string_view ns, std::string_view uid) {
  kube::Request request;
  request.path =
      EventsPath(ns).append("?fieldSelector=involvedObject.uid%3D").append(uid).append("&limit=50");
  return request;
}

std::optional<ObjectEvent> FindTelling(std::string_view list) {
  const json object = json::parse(list, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const auto items = object.find("items");
  if (items == object.end() || !items->is_array()) return std::nullopt;
  Newest warning, image, created;
  for (const json& item : *items) {
    if (!item.is_object()) continue;
    const ObjectEvent event{String(item, "type") == "Warning", String(item, "reason"),
                            String(item, "message")};
    const Time at = LastSeen(item);
    if (event.warning && event.reason != "FailedScheduling") warning.Offer(at, event);
    if (event.reason == "Pulling" || event.reason == "Pulled") image.Offer(at, event);
    if (event.reason == "SuccessfulCreate") created.Offer(at, event);
  }
  const bool pulling = image.event && image.event->reason == "Pulling";
  if (pulling && (!warning.event || image.at > warning.at)) return image.event;
  return warning.event ? warning.event : created.event;
}

}  // namespace imagebatch::cluster
