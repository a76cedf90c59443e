#include "plan/durations.h"

#include <algorithm>
#include <cmath>

namespace imagebatch::plan {

size_t Durations::BucketOf(double seconds) {
  const double bounded = std::clamp(seconds, kShortest, kLongest);
  return static_cast<size_t>(std::ceil(std::log(bounded / kShortest) / std::log(kGrowth)));
}

double Durations::Middle(size_t bucket) {
  return kShortest * std::pow(kGrowth, static_cast<double>(bucket)) * 2 / (1 + kGrowth);
}

void Durations::Add(double seconds) {
  ++buckets_[BucketOf(seconds)];
  ++count_;
}

double Durations::Quantile(double q) const {
  if (count_ == 0) return 0;
  const double rank = q * static_cast<double>(count_ - 1);
  size_t seen = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (static_cast<double>(seen) > rank) return Middle(bucket);
  }
  return Middle(kBuckets - 1);
}

}  // namespace imagebatch::plan
