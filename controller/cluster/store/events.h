#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "batch/types.h"
#include "cluster/store/channel.h"
#include "cluster/store/event_budget.h"
#include "cluster/store/event_outbox.h"

namespace imagebatch::cluster {

/// Events of one batch, for `kubectl describe` and `kubectl events`: on transitions only. What tells of the
/// batch as a whole, and the first hang, is always written; the rest by the budget. What is beyond that is
/// counted, and an Event EventsLeftOut tells how many of which reason, once the budget has room for it or the
/// batch has finished; the log has each.
class EventEmitter {
 public:
  EventEmitter(const batch::Batch& batch, Channel& channel) : batch_(batch), outbox_(channel) {}

  void Normal(std::string_view reason, std::string_view message, Now now) {
    Emit("Normal", reason, message, now);
  }
  void Warning(std::string_view reason, std::string_view message, Now now) {
    Emit("Warning", reason, message, now);
  }

  /// What the log has already, in other words. `type`: Normal or Warning.
  void Unlogged(std::string_view type, std::string_view reason, std::string_view message, Now now);

  /// Sends what is due.
  void Step(Now now);
  std::optional<SteadyTime> Next() const;

 private:
  void Emit(std::string_view type, std::string_view reason, std::string_view message, Now now);
  bool IsAlwaysTold(std::string_view reason);
  void TellLeftOut(Now now);
  void Write(std::string_view type, std::string_view reason, std::string_view message, Now now);

  const batch::Batch& batch_;
  EventOutbox outbox_;
  uint64_t written_ = 0;
  EventBudget budget_;
  std::map<std::string, int64_t, std::less<>> left_out_;  // how many of each reason
  bool hang_told_ = false;
};

}  // namespace imagebatch::cluster
