#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "cluster/objects/views.h"
#include "cluster/store/backoff.h"
#include "cluster/store/channel.h"

namespace imagebatch::cluster {

/// Events on Pods of no batch. The name of each is made of what it tells, so that a restarted controller,
/// which finds the same again, meets the first one's name (409) and tells nothing twice while that is there
/// (an hour, by default). One that the server has no answer for is sent again, kTries times in all.
class PodEvents {
 public:
  static constexpr int kTries = 8;

  explicit PodEvents(Channel& channel) : channel_(channel) {}

  /// `what` tells this Event from others of the same reason on this Pod: a time, mostly. Logged, too.
  void Normal(std::string_view reason, const PodView& pod, std::string_view what, std::string_view message,
              Now now) {
    Tell("Normal", reason, pod, what, message, now);
  }
  void Warning(std::string_view reason, const PodView& pod, std::string_view what, std::string_view message,
               Now now) {
    Tell("Warning", reason, pod, what, message, now);
  }

  void Step(Now now);
  std::optional<SteadyTime> Next() const;

 private:
  struct Unanswered {
    kube::Request request;
    int tries = 0;
    bool under_way = false;
    Backoff backoff;
  };

  void Tell(std::string_view type, std::string_view reason, const PodView& pod, std::string_view what,
            std::string_view message, Now now);
  void Send(uint64_t number);
  void Answered(uint64_t number, const Result<kube::Response>& response, Now now);

  Channel& channel_;
  uint64_t written_ = 0;
  std::map<uint64_t, Unanswered> unanswered_;  // by their number
};

}  // namespace imagebatch::cluster
