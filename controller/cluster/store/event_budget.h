#pragma once
#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace imagebatch::cluster {

/// How many Events about one object may be written, as Kubernetes' own components keep to it (client-go,
/// EventSourceObjectSpamFilter in tools/record/events_cache.go): kBurst at once, then one every kRefill.
class EventBudget {
 public:
  static constexpr int64_t kBurst = 25;
  static constexpr std::chrono::minutes kRefill{5};

  /// False: it is used up.
  bool Take(SteadyTime now) {
    if (now < Next()) return false;
    spent_until_ = std::max(spent_until_, now) + kRefill;
    return true;
  }

  /// When Take is true again, or was first.
  SteadyTime Next() const { return spent_until_ - (kBurst - 1) * kRefill; }

 private:
  SteadyTime spent_until_{};  // when all that has been taken is filled up again
};

}  // namespace imagebatch::cluster
