#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace imagebatch::plan {

/// How long builds took, in seconds. Counts in buckets that grow by a constant factor, so that every quantile
/// is within 2 % of the true one whatever the scale, in constant memory (C. Masson, J. Rim, H. Lee,
/// "DDSketch", VLDB 2019).
class Durations {
 public:
  static constexpr double kShortest = 0.01, kLongest = 1e7;  // what lies beyond counts as these

  void Add(double seconds);

  size_t Count() const { return count_; }
  /// The value below which the part `q` of all lies, 0 <= q <= 1; 0 where there is none.
  double Quantile(double q) const;

  static constexpr size_t kBuckets = 530;  // log(kLongest / kShortest) / log(kGrowth), and both ends
  static size_t BucketOf(double seconds);
  /// The value that stands for all in a bucket.
  static double Middle(size_t bucket);
  /// How many there are in a bucket.
  uint32_t In(size_t bucket) const { return buckets_[bucket]; }

 private:
  static constexpr double kGrowth = 1.04;

  std::array<uint32_t, kBuckets> buckets_{};
  size_t count_ = 0;
};

}  // namespace imagebatch::plan
