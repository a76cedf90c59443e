#include "hang/pace.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>

namespace imagebatch::hang {
namespace {

/// What comes faster is added up: its times are those of pipes and buffers.
constexpr double kShortest = 0.5;
constexpr uint8_t kChanges = 8;        // remembered
constexpr uint8_t kFewestChanges = 4;  // to judge by
constexpr uint8_t kFewestUneven = 3;
/// A sleep on a busy machine is late by so much of its length.
constexpr double kLate = 0.25;
/// The clock on the wall and ours.
constexpr double kClockError = 0.02;

bool Near(double one, double other, double share) {
  return std::abs(one - other) <= share * std::max(std::abs(one), std::abs(other));
}

/// So much in so many seconds is the time itself, in seconds or parts of them.
bool IsTime(double step, double seconds) {
  for (double unit : {1.0, 1e3, 1e6, 1e9}) {
    if (Near(step / seconds, unit, kClockError)) return true;
  }
  return false;
}

}  // namespace

void Pace::Add(double value, TimePoint now) {
  const double seconds = std::chrono::duration<double>(now - at_).count();
  if (known_ && value >= value_ && seconds < kShortest) {
    if (value > value_) ++added_up_;
    return;
  }
  const double step = value - value_;
  if (!known_ || step < 0) {
    *this = Pace();
  } else {
    const bool same_step = std::abs(step - step_) <= 1 && Near(seconds, seconds_, kLate);
    // Of many the mean is exact where they are a clock's, and work has equal means more often than steps.
    const bool same_rate = added_up_ > 0 && seconds_ > 0 &&
                           Near(step / seconds, step_ / seconds_, kLate / std::sqrt(1.0 + added_up_));
    const bool even = IsTime(step, seconds) || same_step || same_rate;
    if (seconds_ > 0 || even) {
      uneven_ = static_cast<uint8_t>(uneven_ << 1 | (even ? 0 : 1));
      changes_ = std::min<uint8_t>(kChanges, changes_ + 1);
    }
    step_ = step;
    seconds_ = seconds;
  }
  known_ = true;
  value_ = value;
  at_ = now;
  added_up_ = 0;
}

bool Pace::IsUneven() const {
  const int uneven = std::popcount(uneven_);
  return changes_ >= kFewestChanges && uneven >= kFewestUneven && 2 * uneven >= changes_;
}

}  // namespace imagebatch::hang
