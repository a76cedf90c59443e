#include "cluster/store/event_outbox.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/keep_sooner.h"
#include "base/text.h"
#include "cluster/objects/names.h"

namespace imagebatch::cluster {
namespace {

/// The same request may succeed later, or has: nobody knows.
bool MaySucceed(const Result<kube::Response>& response) { return !response || response->status / 100 == 5; }

}  // namespace

void EventOutbox::Write(const NewEvent& event, Now now) {
  const std::string time = FormatTime(now.wall);
  kube::Request request;
  request.method = kube::Method::Post;
  request.lane = kube::Lane::Events;
  request.path = EventsPath(event.ns);
  request.body = nlohmann::json{
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata", {{"name", event.name}, {"namespace", event.ns}}},
      {"involvedObject",
       {{"apiVersion", event.api_version},
        {"kind", event.kind},
        {"namespace", event.ns},
        {"name", event.object},
        {"uid", event.uid}}},
      {"type", event.type},
      {"reason", event.reason},
      {"message", Printable(event.message, kMessageBytes)},
      {"source", {{"component", "imagebatch"}}},
      {"firstTimestamp", time},
      {"lastTimestamp", time},
      {"count", 1}}.dump();
  const uint64_t number = ++written_;
  unanswered_[number].request = std::move(request);
  Send(number);
}

void EventOutbox::Send(uint64_t number) {
  Unanswered& event = unanswered_.at(number);
  ++event.tries;
  event.under_way = true;
  channel_.Send(
      {Purpose::WriteEvent, ""}, event.request,
      [this, number](const Result<kube::Response>& response, Now now) { Answered(number, response, now); });
}

void EventOutbox::Answered(uint64_t number, const Result<kube::Response>& response, Now now) {
  Unanswered& event = unanswered_.at(number);
  event.under_way = false;
  event.backoff.Failed(now.steady);
  if (!MaySucceed(response) || event.tries == kTries) unanswered_.erase(number);
}

void EventOutbox::Step(Now now) {
  for (auto& [number, event] : unanswered_) {
    if (!event.under_way && event.backoff.Due(now.steady)) Send(number);
  }
}

std::optional<SteadyTime> EventOutbox::Next() const {
  std::optional<SteadyTime> next;
  for (const auto& [number, event] : unanswered_) {
    if (!event.under_way) KeepSooner(next, event.backoff.next());
  }
  return next;
}

}  // namespace imagebatch::cluster
