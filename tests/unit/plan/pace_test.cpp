#include "plan/pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <queue>
#include <random>

#include "plan/survival.h"

namespace imagebatch::plan {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Time kNow{seconds(1'000'000)};

Durations Of(std::initializer_list<double> values) {
  Durations durations;
  for (const double value : values) durations.Add(value);
  return durations;
}

TEST(Durations, QuantilesAreWithinTwoPercentAtEveryScale) {
  std::mt19937 random(7);
  for (const double scale : {0.05, 3.0, 4000.0}) {
    std::lognormal_distribution<double> draw(0, 1);
    std::vector<double> values;
    Durations durations;
    for (int i = 0; i < 999; ++i) {
      values.push_back(std::max(Durations::kShortest, scale * draw(random)));
      durations.Add(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double q : {0.0, 0.1, 0.5, 0.9, 1.0}) {
      const double exact = values[static_cast<size_t>(q * 998)];
      EXPECT_NEAR(durations.Quantile(q), exact, 0.02 * exact) << q << " at scale " << scale;
    }
  }
}

TEST(Durations, TakesWhatClocksGive) {
  const Durations durations = Of({-5, 0, 1e12});
  EXPECT_EQ(durations.Count(), 3U);
  EXPECT_NEAR(durations.Quantile(0), Durations::kShortest, 0.001);
  EXPECT_NEAR(durations.Quantile(1), Durations::kLongest, 0.02 * Durations::kLongest);
  EXPECT_EQ(Durations().Quantile(0.5), 0);
}

TEST(Survival, OfFinishedBuildsAloneIsTheirDistribution) {
  const Survival survival(Of({2, 4, 9}), {});
  EXPECT_NEAR(survival.Mean(), 5, 0.1);
  EXPECT_NEAR(survival.Variance(), 26.0 / 3, 0.5);
  EXPECT_NEAR(survival.Quantile(0.5), 4, 0.1);
  EXPECT_NEAR(Survival(Of({10, 10, 100}), {}).Residual(0), 40, 1);
  EXPECT_NEAR(Survival(Of({10, 10, 100}), {}).Residual(50), 50, 2);
}

TEST(Survival, ARunningBuildTakesLongerThanItsAge) {
  // Half of all end at 10; of the others nothing is known but that they have lasted for 50.
  const Survival survival(Of({10, 10}), {50, 50});
  EXPECT_NEAR(survival.Quantile(0.4), 10, 0.2);
  EXPECT_GE(survival.Quantile(0.6), 50);
  EXPECT_NEAR(survival.Mean(), 10 / 2.0 + 55 / 2.0, 1);
  EXPECT_NEAR(survival.Residual(200), 20, 0.1) << "longer than anything seen";
}

/// A stage in which ten builds took `seconds_each`, and build 77 runs since `age`.
Pace Running(double seconds_each, seconds age, int finished = 10) {
  Pace pace(2);
  for (int i = 0; i < finished; ++i) pace.Finished(1, seconds_each);
  pace.Started(77, 1, kNow - age, kNow);
  return pace;
}

TEST(Slow, IsLongerThanTheFactorTimesTheMedian) {
  EXPECT_TRUE(Running(100, seconds(290)).Slow(1, 3, kNow).empty());
  EXPECT_EQ(Running(100, seconds(310)).Slow(1, 3, kNow), std::vector<uint32_t>{77});
  EXPECT_TRUE(Running(100, seconds(310)).Slow(0, 3, kNow).empty()) << "of another stage";
}

TEST(Slow, NeedsTenFinishedBuildsAndAFactor) {
  EXPECT_TRUE(Running(100, seconds(5000), 9).Slow(1, 3, kNow).empty());
  EXPECT_TRUE(Running(100, seconds(5000)).Slow(1, 0, kNow).empty());
}

TEST(Slow, EndsWithTheAttempt) {
  Pace pace = Running(100, seconds(400));
  pace.Ended(77, kNow);
  EXPECT_TRUE(pace.Slow(1, 3, kNow).empty());
  pace.Started(77, 1, kNow, kNow);
  EXPECT_TRUE(pace.Slow(1, 3, kNow + seconds(5)).empty()) << "its next attempt counts anew";
}

TEST(Slow, TheLongestComesFirst) {
  Pace pace = Running(100, seconds(400));
  pace.Started(5, 1, kNow - seconds(900), kNow);
  EXPECT_EQ(pace.Slow(1, 3, kNow), (std::vector<uint32_t>{5, 77}));
}

TEST(Slow, SaysWhenTheNextOneTurns) {
  const Pace pace = Running(100, seconds(200));
  const auto next = pace.NextSlow(1, 3, kNow);
  ASSERT_TRUE(next);
  EXPECT_TRUE(pace.Slow(1, 3, *next - milliseconds(1)).empty());
  EXPECT_EQ(pace.Slow(1, 3, *next).size(), 1U);
  EXPECT_FALSE(pace.NextSlow(1, 3, *next));
}

TEST(Places, AreWhatReallyRan) {
  Pace pace(1);
  EXPECT_EQ(pace.Places(kNow), 0);
  for (uint32_t build = 0; build < 8; ++build) pace.Started(build, 0, kNow, kNow);
  EXPECT_NEAR(pace.Places(kNow + seconds(1)), 8, 1e-9) << "what was not observed does not count";
  for (uint32_t build = 0; build < 4; ++build) pace.Ended(build, kNow + seconds(300));
  EXPECT_NEAR(pace.Places(kNow + seconds(300)), 8, 0.1);
  EXPECT_NEAR(pace.Places(kNow + seconds(900)), 4, 0.1);
}

TEST(Estimate, NeedsSomethingLeftAndEnoughToGoBy) {
  const Durations known = Of({10, 10, 10, 10, 10}), unknown = Of({10, 10, 10, 10});
  EXPECT_FALSE(EstimateEnd({{&known, {}, 0, {}}}, 4, kNow));
  EXPECT_FALSE(EstimateEnd({{&known, {}, 3, {}}, {&unknown, {0}, 3, {}}}, 4, kNow));
  EXPECT_TRUE(EstimateEnd({{&known, {}, 3, {}}, {&unknown, {0}, 0, {}}}, 4, kNow));
}

TEST(Estimate, OfEqualBuildsIsCertain) {
  Durations durations;
  for (int i = 0; i < 50; ++i) durations.Add(60);
  const auto end = EstimateEnd({{&durations, {}, 100, {}}}, 10, kNow);
  ASSERT_TRUE(end);
  EXPECT_NEAR(std::chrono::duration<double>(end->earliest - kNow).count(), 600, 30);
  EXPECT_NEAR(std::chrono::duration<double>(end->latest - kNow).count(), 660, 30);
}

TEST(Estimate, ChainsOfStagesTakeTheirTimeHoweverManyPlacesThereAre) {
  Durations durations;
  for (int i = 0; i < 50; ++i) durations.Add(60);
  const auto end = EstimateEnd({{&durations, {}, 5, {}}, {&durations, {0}, 5, {}}}, 1000, kNow);
  ASSERT_TRUE(end);
  EXPECT_NEAR(std::chrono::duration<double>(end->earliest - kNow).count(), 120, 6);
}

/// Runs `lengths` in order on `places`, and asks for an estimate when a third has finished: is the true end
/// within it?
bool Covered(const std::vector<double>& lengths, size_t places) {
  Durations durations;
  struct Run {
    double end, start, length;
    bool operator>(const Run& other) const { return end > other.end; }
  };
  std::priority_queue<Run, std::vector<Run>, std::greater<>> running;
  size_t next = 0;
  double now = 0;
  std::optional<Estimate> estimate;
  while (true) {
    while (next < lengths.size() && running.size() < places) {
      running.push({now + lengths[next], now, lengths[next]});
      ++next;
    }
    if (running.empty()) break;
    now = running.top().end;
    durations.Add(running.top().length);
    running.pop();
    if (estimate || durations.Count() < lengths.size() / 3) continue;
    StageLoad load{&durations, {}, static_cast<int64_t>(lengths.size() - next), {}};
    for (auto left = running; !left.empty(); left.pop()) load.running.push_back(now - left.top().start);
    estimate = EstimateEnd({load}, static_cast<double>(places),
                           kNow + milliseconds(static_cast<int64_t>(now * 1000)));
  }
  const Time end = kNow + milliseconds(static_cast<int64_t>(now * 1000));
  return estimate && estimate->earliest <= end && end <= estimate->latest;
}

TEST(Estimate, HoldsForFourOfFiveBatches) {
  std::mt19937 random(11);
  std::lognormal_distribution<double> draw(4, 0.6);  // a minute, some of them several
  for (const auto& [builds, places] : {std::pair<size_t, size_t>{500, 8}, {500, 50}, {60, 8}}) {
    int covered = 0;
    for (int batch = 0; batch < 200; ++batch) {
      std::vector<double> lengths(builds);
      for (double& length : lengths) length = draw(random);
      covered += Covered(lengths, places) ? 1 : 0;
    }
    EXPECT_GE(covered, 160) << builds << " builds, " << places << " at once";
  }
}

}  // namespace
}  // namespace imagebatch::plan
