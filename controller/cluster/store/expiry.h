#pragma once
#include <optional>

#include "base/time.h"
#include "batch/types.h"
#include "cluster/store/backoff.h"
#include "cluster/store/channel.h"
#include "cluster/store/events.h"

namespace imagebatch::cluster {

/// Deletes a finished batch once its ttlSecondsAfterFinished has passed, after a fresh look at it: a time to
/// live that was raised a moment ago counts.
class Expiry {
 public:
  Expiry(const batch::Batch& batch, Channel& channel, EventEmitter& events)
      : batch_(batch), channel_(channel), events_(events) {}

  /// `at`: when it is to be deleted, as far as is known; nothing: never.
  void Step(std::optional<Time> at, Now now);
  std::optional<SteadyTime> Next(std::optional<Time> at, Now now) const;

 private:
  void Delete(const std::string& version, Now now);

  const batch::Batch& batch_;
  Channel& channel_;
  EventEmitter& events_;
  bool asking_ = false, told_ = false;
  Backoff backoff_;
};

}  // namespace imagebatch::cluster
