#pragma once
#include <random>

#include "base/time.h"

namespace imagebatch::kube {

struct BackoffRange {
  Duration first, longest;
};

/// How long to wait after the `failures`-th failure in a row (1, 2, ...): uniform between 0 and
/// min(longest, first * 2^(failures - 1)). Full jitter spreads clients that failed together.
Duration FullJitter(const BackoffRange& range, int failures, std::mt19937_64& random);

}  // namespace imagebatch::kube
