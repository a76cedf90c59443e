#pragma once
#include <algorithm>
#include <chrono>

#include "base/time.h"

namespace imagebatch::cluster {

/// When to try again after failures in a row: 1 s, doubled to 30 s; a success resets it.
class Backoff {
 public:
  void Failed(SteadyTime now) {
    next_ = now + delay_;
    delay_ = std::min<Duration>(delay_ * 2, std::chrono::seconds(30));
  }
  void Succeeded() { *this = Backoff(); }
  bool Due(SteadyTime now) const { return now >= next_; }
  /// The last try failed.
  bool Failing() const { return next_ != SteadyTime{}; }
  SteadyTime next() const { return next_; }

 private:
  SteadyTime next_{};
  Duration delay_ = std::chrono::seconds(1);
};

}  // namespace imagebatch::cluster
