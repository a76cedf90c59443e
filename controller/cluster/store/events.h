#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "batch/types.h"
#include "cluster/store/backoff.h"
#include "cluster/store/channel.h"
#include "cluster/store/event_budget.h"

namespace imagebatch::cluster {

/// Events of one batch, for `kubectl describe` and `kubectl events`: on transitions only. What tells of the
/// batch as a whole, and the first hang, is always written; the rest by the budget. What is beyond that is
/// counted, and an Event EventsLeftOut tells how many of which reason, once the budget has room for it or the
/// batch has finished; the log has each. An Event that is not accepted for the server's own trouble, or of
/// which nobody knows, is sent again under its name, kTries times in all, over a minute and a half.
class EventEmitter {
 public:
  static constexpr int kTries = 8;

  EventEmitter(const batch::Batch& batch, Channel& channel) : batch_(batch), channel_(channel) {}

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
  struct Unanswered {
    kube::Request request;
    int tries = 0;
    bool under_way = false;
    Backoff backoff;
  };

  void Emit(std::string_view type, std::string_view reason, std::string_view message, Now now);
  bool IsAlwaysTold(std::string_view reason);
  void TellLeftOut(Now now);
  void Write(std::string_view type, std::string_view reason, std::string_view message, Now now);
  void Send(uint64_t number);
  void Answered(uint64_t number, const Result<kube::Response>& response, Now now);

  const batch::Batch& batch_;
  Channel& channel_;
  uint64_t written_ = 0;
  std::map<uint64_t, Unanswered> unanswered_;  // by their number
  EventBudget budget_;
  std::map<std::string, int64_t, std::less<>> left_out_;  // how many of each reason
  bool hang_told_ = false;
};

}  // namespace imagebatch::cluster
