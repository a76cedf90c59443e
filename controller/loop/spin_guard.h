#pragma once
#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace imagebatch::cluster {

/// Keeps a loop from turning without a cause: a round that is due at once although no event has come, for the
/// third time in a row, is held back a little, so that a fault of the state machine does not burn a core.
class SpinGuard {
 public:
  /// When the next round may be made that is due at `due` by time alone.
  SteadyTime Until(SteadyTime due, SteadyTime now) {
    if (due > now) {
      in_a_row_ = 0;
      return due;
    }
    if (++in_a_row_ < kAllowed) return due;
    ++spins_;
    return now + kPause;
  }
  /// An event has come: the next round has a cause.
  void OnEvent() { in_a_row_ = 0; }

  /// Rounds that were held back.
  uint64_t spins() const { return spins_; }

 private:
  static constexpr int kAllowed = 3;
  static constexpr std::chrono::milliseconds kPause{100};
  int in_a_row_ = 0;
  uint64_t spins_ = 0;
};

}  // namespace imagebatch::cluster
