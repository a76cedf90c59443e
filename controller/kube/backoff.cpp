#include "kube/backoff.h"

#include <algorithm>

namespace imagebatch::kube {

Duration FullJitter(const BackoffRange& range, int failures, std::mt19937_64& random) {
  const int doublings = std::clamp(failures - 1, 0, 20);  // far beyond any range; keeps the shift defined
  const Duration ceiling = std::min(range.longest, range.first * (1 << doublings));
  return Duration(std::uniform_int_distribution<Duration::rep>(0, ceiling.count())(random));
}

}  // namespace imagebatch::kube
