#include "cluster/pods/pod_events.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/keep_sooner.h"
#include "base/text.h"
#include "cluster/objects/names.h"
#include "log/log.h"

namespace imagebatch::cluster {
namespace {

constexpr size_t kMessageLimit = 1024;  // the API server refuses longer ones
constexpr size_t kNameLimit = 230;      // of the Pod's in the Event's, which has 253

std::string EventName(const PodView& pod, std::string_view reason, std::string_view what) {
  std::string name = pod.name.substr(0, kNameLimit);
  while (!name.empty() && (name.back() == '.' || name.back() == '-')) name.pop_back();
  const std::string told = Sha256(std::string(pod.uid).append("/").append(reason).append("/").append(what));
  return name + "." + told.substr(0, 16);
}

/// The same request may succeed later, or has: nobody knows.
bool MaySucceed(const Result<kube::Response>& response) { return !response || response->status / 100 == 5; }

}  // namespace

void PodEvents::Tell(std::string_view type, std::string_view reason, const PodView& pod,
                     std::string_view what, std::string_view message, Now now) {
  const std::string text = Printable(message, kMessageLimit);
  const std::string line = "Pod " + pod.name + ": " + text;
  if (type == "Warning") {
    log::Warn(line, {pod.ns, {}, {}, reason});
  } else {
    log::Info(line, {pod.ns, {}, {}, reason});
  }
  const std::string time = FormatTime(now.wall);
  kube::Request request;
  request.method = kube::Method::Post;
  request.lane = kube::Lane::Events;
  request.path = EventsPath(pod.ns);
  request.body = nlohmann::json{
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata", {{"name", EventName(pod, reason, what)}, {"namespace", pod.ns}}},
      {"involvedObject",
       {{"apiVersion", "v1"}, {"kind", "Pod"}, {"namespace", pod.ns}, {"name", pod.name}, {"uid", pod.uid}}},
      {"type", type},
      {"reason", reason},
      {"message", text},
      {"source", {{"component", "imagebatch"}}},
      {"firstTimestamp", time},
      {"lastTimestamp", time},
      {"count", 1}}.dump();
  const uint64_t number = ++written_;
  unanswered_[number].request = std::move(request);
  Send(number);
}

void PodEvents::Send(uint64_t number) {
  Unanswered& event = unanswered_.at(number);
  ++event.tries;
  event.under_way = true;
  channel_.Send(
      {Purpose::WriteEvent, ""}, event.request,
      [this, number](const Result<kube::Response>& response, Now now) { Answered(number, response, now); });
}

void PodEvents::Answered(uint64_t number, const Result<kube::Response>& response, Now now) {
  Unanswered& event = unanswered_.at(number);
  event.under_way = false;
  event.backoff.Failed(now.steady);
  if (!MaySucceed(response) || event.tries == kTries) unanswered_.erase(number);
}

void PodEvents::Step(Now now) {
  for (auto& [number, event] : unanswered_) {
    if (!event.under_way && event.backoff.Due(now.steady)) Send(number);
  }
}

std::optional<SteadyTime> PodEvents::Next() const {
  std::optional<SteadyTime> next;
  for (const auto& [number, event] : unanswered_) {
    if (!event.under_way) KeepSooner(next, event.backoff.next());
  }
  return next;
}

}  // namespace imagebatch::cluster
