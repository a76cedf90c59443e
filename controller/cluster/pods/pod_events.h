#pragma once
#include <optional>
#include <string_view>

#include "cluster/objects/views.h"
#include "cluster/store/event_outbox.h"

namespace imagebatch::cluster {

/// Events on Pods of no batch. The name of each is made of what it tells, so that a restarted controller,
/// which finds the same again, meets the first one's name (409) and tells nothing twice while that is there
/// (an hour, by default).
class PodEvents {
 public:
  explicit PodEvents(Channel& channel) : outbox_(channel) {}

  /// `what` tells this Event from others of the same reason on this Pod: a time, mostly. Logged, too.
  void Normal(std::string_view reason, const PodView& pod, std::string_view what, std::string_view message,
              Now now) {
    Tell("Normal", reason, pod, what, message, now);
  }
  void Warning(std::string_view reason, const PodView& pod, std::string_view what, std::string_view message,
               Now now) {
    Tell("Warning", reason, pod, what, message, now);
  }

  void Step(Now now) { outbox_.Step(now); }
  std::optional<SteadyTime> Next() const { return outbox_.Next(); }

 private:
  void Tell(std::string_view type, std::string_view reason, const PodView& pod, std::string_view what,
            std::string_view message, Now now);

  EventOutbox outbox_;
};

}  // namespace imagebatch::cluster
