#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "plan/durations.h"
#include "plan/plan.h"

namespace imagebatch::plan {

/// When the batch will have ended. In four of five batches the true end lies between `earliest` and `latest`,
/// if builds go on to take as long as those before them; retries are not foreseen.
struct Estimate {
  Time earliest, likely, latest;
};

/// What is left of one stage.
struct StageLoad {
  const Durations* durations = nullptr;  // of its finished builds
  std::vector<size_t> needs;             // indexes of earlier stages
  int64_t unstarted = 0;
  std::vector<double> running;  // how long each has run, in seconds
};

/// Finished builds that a stage must have before anything is concluded from them.
inline constexpr size_t kEnoughForSlow = 10;
inline constexpr size_t kEnoughForEstimate = 5;

/// When all of `stages` is done if about `places` builds run at once. Nothing where nothing is left, or a
/// stage with something left has too few finished builds to go by.
///
/// Whatever order work is taken up in, the end lies between max(work/places, longest chain) and
/// work/places + (1 - 1/places) * longest chain (R. L. Graham, "Bounds on Multiprocessing Timing Anomalies",
/// 1969). The spread adds how uncertain the work itself is: builds vary, and so does the mean of few.
std::optional<Estimate> EstimateEnd(const std::vector<StageLoad>& stages, double places, Time now);

/// How fast the builds of a batch go: which of them are slow, and how many really run at once.
class Pace {
 public:
  explicit Pace(size_t stages);

  /// The container of a build's attempt runs since `at`.
  void Started(uint32_t build, size_t stage, Time at, Time now);
  /// It does no longer, however it ended.
  void Ended(uint32_t build, Time now);
  /// A build succeeded in an attempt of so many seconds.
  void Finished(size_t stage, double seconds) { stages_[stage].durations.Add(seconds); }

  /// Running builds of a stage that have taken more than `factor` times the median of the finished ones; the
  /// longest first. None where `factor` is 0 or fewer than kEnoughForSlow have finished.
  std::vector<uint32_t> Slow(size_t stage, double factor, Time now) const;
  /// When, for time alone, the next running build of the stage turns slow.
  std::optional<Time> NextSlow(size_t stage, double factor, Time now) const;

  const Durations& durations(size_t stage) const { return stages_[stage].durations; }
  /// How long each running build of a stage but those in `but` has run, in seconds.
  std::vector<double> Ages(size_t stage, const std::set<uint32_t>& but, Time now) const;
  std::optional<Time> since(uint32_t build) const;
  /// Builds that ran at once, on average over the last minute or so.
  double Places(Time now) const;

 private:
  struct Stage {
    Durations durations;
    std::set<std::pair<Time, uint32_t>> running;  // by start
  };
  struct Average {
    double sum = 0, weight = 0;
  };
  std::optional<std::chrono::milliseconds> SlowAfter(size_t stage, double factor) const;
  Average AverageAt(Time now) const;

  std::vector<Stage> stages_;
  std::map<uint32_t, std::pair<size_t, Time>> running_;  // build -> stage, start
  Average average_;
  Time averaged_{};
};

}  // namespace imagebatch::plan
