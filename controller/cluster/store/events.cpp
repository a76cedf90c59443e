#include "cluster/store/events.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/keep_sooner.h"
#include "base/text.h"
#include "cluster/objects/names.h"
#include "log/log.h"

namespace imagebatch::cluster {
namespace {

/// After these little is told, or nothing.
bool EndsIt(std::string_view reason) {
  return reason == "Completed" || reason == "Failed" || reason == "Deleted";
}

}  // namespace

void EventEmitter::Emit(std::string_view type, std::string_view reason, std::string_view message, Now now) {
  const log::Subject subject{batch_.ns, batch_.name, {}, reason};
  if (type == "Warning") {
    log::Warn(Printable(message, EventOutbox::kMessageBytes), subject);
  } else {
    log::Info(Printable(message, EventOutbox::kMessageBytes), subject);
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
  constexpr std::array<std::string_view, 8> kOfTheWhole = {
      "Started", "Completed", "Failed", "Invalid", "InputChanged", "Deleted", "Rerun", "RerunRefused"};
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
  const std::string id =
      Sha256(batch_.uid + std::to_string(now.wall.time_since_epoch().count()) + std::to_string(++written_));
  outbox_.Write({batch_.name + "." + id.substr(0, 16), std::string(kApiVersion), "ImageBatch", batch_.ns,
                 batch_.name, batch_.uid, type, reason, message},
                now);
}

void EventEmitter::Step(Now now) {
  outbox_.Step(now);
  if (!left_out_.empty() && budget_.Take(now.steady)) TellLeftOut(now);
}

std::optional<SteadyTime> EventEmitter::Next() const {
  std::optional<SteadyTime> next = outbox_.Next();
  if (!left_out_.empty()) KeepSooner(next, budget_.Next());
  return next;
}

}  // namespace imagebatch::cluster
