#pragma once
#include <array>
#include <vector>

#include "plan/durations.h"

namespace imagebatch::plan {

/// How long builds of a stage take, told from those that have finished and those that still run. The finished
/// ones alone would mislead: the short ones finish first. (E. L. Kaplan, P. Meier, "Nonparametric Estimation
/// from Incomplete Observations", 1958: a running build counts as one that takes longer than its age.)
class Survival {
 public:
  /// `ages` in seconds. At least one must have finished.
  Survival(const Durations& finished, const std::vector<double>& ages);

  double Mean() const { return mean_; }
  double Variance() const { return variance_; }
  /// The time after which the part `q` has ended, 0 <= q < 1.
  double Quantile(double q) const;
  /// How much longer one takes that has run for `age`, on average.
  double Residual(double age) const;

 private:
  // What lasts longer than all that have finished is taken to last for this much more, as a part of its age:
  // a tenth is a guess, but none is an answer.
  static constexpr double kBeyond = 0.1;

  std::array<double, Durations::kBuckets> longer_;  // the part of all that outlasts this bucket
  std::array<double, Durations::kBuckets> rest_;    // the integral of longer_ from this bucket's value on
  size_t last_ = 0;                                 // the bucket of the longest seen, finished or not
  double mean_ = 0, variance_ = 0;
};

}  // namespace imagebatch::plan
