#pragma once
#include <cstdint>

#include "hang/verdict.h"

namespace imagebatch::hang {

/// Watches one counter, and tells whether its pace is that of work. Equal steps in equal times are a clock's:
/// a heartbeat, a wait that counts its turns. So are steps that follow the time itself (seconds, or parts of
/// them). Of beats that come so fast that they are added up the rates are compared, for how many of them fall
/// into one sum is chance. Of the last changes at least half must be otherwise, so that a clock that was held
/// up now and then stays one.
class Pace {
 public:
  /// The counter has grown to `value`, or has fallen: then all begins anew.
  void Add(double value, TimePoint now);
  /// Its steps, or the times between them, were mostly unequal; false while too few were seen.
  bool IsUneven() const;

 private:
  bool known_ = false;
  double value_ = 0;
  TimePoint at_;
  double step_ = 0, seconds_ = 0;  // of the change before; 0: there was none
  uint32_t added_up_ = 0;          // values since `at_` that are not judged alone
  uint8_t uneven_ = 0;             // one bit for each of the last changes, the newest lowest
  uint8_t changes_ = 0;            // so many of them were seen
};

}  // namespace imagebatch::hang
