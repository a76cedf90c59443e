#include "plan/survival.h"

#include <algorithm>

namespace imagebatch::plan {

Survival::Survival(const Durations& finished, const std::vector<double>& ages) {
  std::array<uint32_t, Durations::kBuckets> running{};
  for (const double age : ages) ++running[Durations::BucketOf(age)];
  double at_risk = static_cast<double>(finished.Count() + ages.size());
  double alive = 1, squares = 0;
  for (size_t bucket = 0; bucket < Durations::kBuckets; ++bucket) {
    const double ended = finished.In(bucket);
    const double before = alive;
    if (ended > 0) alive *= 1 - ended / at_risk;
    longer_[bucket] = alive;
    if (ended > 0 || running[bucket] > 0) last_ = bucket;
    const double value = Durations::Middle(bucket);
    mean_ += (before - alive) * value;
    squares += (before - alive) * value * value;
    at_risk -= ended + running[bucket];
  }
  // Where the longest one still runs, a part has been seen to end nowhere
  const double beyond = Durations::Middle(last_) * (1 + kBeyond);
  mean_ += alive * beyond;
  squares += alive * beyond * beyond;
  variance_ = std::max(0.0, squares - mean_ * mean_);
  double rest = alive * (beyond - Durations::Middle(last_));
  for (size_t bucket = Durations::kBuckets; bucket-- > 0;) {
    if (bucket < last_) {
      rest += longer_[bucket] * (Durations::Middle(bucket + 1) - Durations::Middle(bucket));
    }
    rest_[bucket] = rest;
  }
}

double Survival::Quantile(double q) const {
  for (size_t bucket = 0; bucket <= last_; ++bucket) {
    if (longer_[bucket] <= 1 - q) return Durations::Middle(bucket);
  }
  return Durations::Middle(last_) * (1 + kBeyond);
}

double Survival::Residual(double age) const {
  const size_t bucket = Durations::BucketOf(age);
  if (bucket >= last_ || longer_[bucket] <= 0) return age * kBeyond;
  return rest_[bucket] / longer_[bucket];
}

}  // namespace imagebatch::plan
