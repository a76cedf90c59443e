#pragma once
#include <optional>

#include "base/time.h"
#include "batch/types.h"
#include "cluster/store/backoff.h"
#include "cluster/store/events.h"
#include "cluster/store/requests.h"

namespace imagebatch::cluster {

/// Deletes a finished batch once its ttlSecondsAfterFinished has passed, after a fresh look at it: a time to
/// live that was raised a moment ago counts.
class Expiry {
 public:
  Expiry(const batch::Batch& batch, Requests& requests, const void* owner, EventEmitter& events)
      : batch_(batch), requests_(requests), owner_(owner), events_(events) {}

  /// `at`: when it is to be deleted, as far as is known; nothing: never.
  void Step(std::optional<Time> at, Now now);
  std::optional<SteadyTime> Next(std::optional<Time> at, Now now) const;

 private:
  void Delete(const std::string& version, Now now);

  const batch::Batch& batch_;
  Requests& requests_;
  const void* owner_;
  EventEmitter& events_;
  bool asking_ = false, told_ = false;
  Backoff backoff_;
};

}  // namespace imagebatch::cluster
