#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "batch/types.h"
#include "cluster/store/channel.h"
#include "cluster/store/events.h"

namespace imagebatch::cluster {

/// The condition Degraded of one batch: a cause outside the batch, which may pass, keeps it from going on.
/// Such are requests that are refused or not answered (a log line at the first failure and one when it is
/// over, an Event and the condition once it has lasted for a minute) and input that is lacking (told at
/// once).
class Degraded {
 public:
  Degraded(const batch::Batch& batch, Channel& channel, EventEmitter& events)
      : batch_(batch), channel_(channel), events_(events) {}

  /// Takes over what an earlier process has told, from the status it has left: it is not told again. Call
  /// before any request is answered.
  void Restore(const nlohmann::json& status, Now now);

  /// The input is lacking; an empty reason: it is not.
  void SetInput(const std::string& reason, const std::string& message, Now now);

  /// Tells what has turned. True: the condition has changed.
  bool Step(Now now);
  std::optional<SteadyTime> Next() const;

  /// Of the condition; an empty reason: it is False.
  const std::string& reason() const { return reason_; }
  const std::string& message() const { return message_; }

 private:
  void Tell(const Troubles::News& news, Now now);

  const batch::Batch& batch_;
  Channel& channel_;
  EventEmitter& events_;
  std::set<Purpose> logged_;  // whose end is to be logged
  std::string input_reason_, input_message_;
  std::string reason_, message_;
};

}  // namespace imagebatch::cluster
