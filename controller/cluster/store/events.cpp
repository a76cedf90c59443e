#include "cluster/store/events.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/keep_sooner.h"
#include "base/text.h"
#include "cluster/objects/names.h"
#include "log/log.h"

namespace imagebatch::cluster {
namespace {

constexpr size_t kMessageLimit = 1024;  // the API server refuses longer ones

/// After these little is told, or nothing.
bool EndsIt(std::string_view reason) {
  return reason == "Completed" || reason == "Failed" || reason == "Deleted";
}

/// The same request may succeed later, or has: nobody knows.
bool MaySucceed(const Result<kube::Response>& response) { return !response || response->status / 100 == 5; }

}  // namespace

void EventEmitter::Emit(std::string_view type, std::string_view reason, std::string_view message, Now now) {
  const log::Subject subject{batch_.ns, batch_.name, {}, reason};
  if (type == "Warning") {
    log::Warn(Printable(message, kMessageLimit), subject);
  } else {
    log::Info(Printable(message, kMessageLimit), subject);
  }
  Unlogged(type, reason, message, now);
}

void EventEmitter::Unlogged(std::string_view type, std::string_view reason, std::string_view message,
                            Now now) {
  const bool always = IsAlwaysTold(reason);
  if (!budget_.Take(now.steady) && !always) {
    ++left_out_.try_emplace(std::string(reason), 0).first->second;
    return;
  }
  if (EndsIt(reason)) TellLeftOut(now);
  Write(type, reason, message, now);
}

bool EventEmitter::IsAlwaysTold(std::string_view reason) {
  if (reason == "BuildHung") return !std::exchange(hang_told_, true);
  constexpr std::array<std::string_view, 6> kOfTheWhole = {"Started", "Completed",    "Failed",
                                                           "Invalid", "InputChanged", "Deleted"};
  return std::find(kOfTheWhole.begin(), kOfTheWhole.end(), reason) != kOfTheWhole.end();
}

void EventEmitter::TellLeftOut(Now now) {
  if (left_out_.empty()) return;
  int64_t count = 0;
  std::string reasons;
  for (const auto& [reason, times] : left_out_) {
    count += times;
    reasons += (reasons.empty() ? "" : ", ") + std::to_string(times) + " " + reason;
  }
  left_out_.clear();
  Write("Normal", "EventsLeftOut",
        std::to_string(count) + " more Events were left out (" + reasons +
            "); the controller's log has them all",
        now);
}

void EventEmitter::Write(std::string_view type, std::string_view reason, std::string_view message, Now now) {
  const uint64_t number = ++written_;
  const std::string id =
      Sha256(batch_.uid + std::to_string(now.wall.time_since_epoch().count()) + std::to_string(number));
  const std::string time = FormatTime(now.wall);
  kube::Request request;
  request.method = kube::Method::Post;
  request.lane = kube::Lane::Events;
  request.path = EventsPath(batch_.ns);
  request.body = nlohmann::json{
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata", {{"name", batch_.name + "." + id.substr(0, 16)}, {"namespace", batch_.ns}}},
      {"involvedObject",
       {{"apiVersion", kApiVersion},
        {"kind", "ImageBatch"},
        {"namespace", batch_.ns},
        {"name", batch_.name},
        {"uid", batch_.uid}}},
      {"type", type},
      {"reason", reason},
      {"message", Printable(message, kMessageLimit)},
      {"source", {{"component", "imagebatch"}}},
      {"firstTimestamp", time},
      {"lastTimestamp", time},
      {"count", 1}}.dump();
  unanswered_[number].request = std::move(request);
  Send(number);
}

void EventEmitter::Send(uint64_t number) {
  Unanswered& event = unanswered_.at(number);
  ++event.tries;
  event.under_way = true;
  channel_.Send(
      {Purpose::WriteEvent, ""}, event.request,
      [this, number](const Result<kube::Response>& response, Now now) { Answered(number, response, now); });
}

// That one of its name exists is no failure: the reply to an earlier try was lost.
void EventEmitter::Answered(uint64_t number, const Result<kube::Response>& response, Now now) {
  Unanswered& event = unanswered_.at(number);
  event.under_way = false;
  event.backoff.Failed(now.steady);
  if (!MaySucceed(response) || event.tries == kTries) unanswered_.erase(number);
}

void EventEmitter::Step(Now now) {
  for (auto& [number, event] : unanswered_) {
    if (!event.under_way && event.backoff.Due(now.steady)) Send(number);
  }
  if (!left_out_.empty() && budget_.Take(now.steady)) TellLeftOut(now);
}

std::optional<SteadyTime> EventEmitter::Next() const {
  std::optional<SteadyTime> next;
  if (!left_out_.empty()) next = budget_.Next();
  for (const auto& [number, event] : unanswered_) {
    if (!event.under_way) KeepSooner(next, event.backoff.next());
  }
  return next;
}

}  // namespace imagebatch::cluster
