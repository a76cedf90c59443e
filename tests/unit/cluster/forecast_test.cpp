#include "cluster/control/forecast.h"

#include <gtest/gtest.h>

#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using plan::Phase;
using std::chrono::minutes;
using std::chrono::seconds;

/// Twenty builds of one stage, of which ten have taken a minute each.
class ForecastTest : public testing::Test {
 protected:
  ForecastTest() {
    for (uint32_t build = 0; build < 10; ++build) {
      plan_.Observe(build, {1, Phase::Succeeded, plan::Cause::Build, kStart});
      forecast_.Finished(build, 60);
    }
  }

  static batch::Batch OneStage() {
    batch::Batch batch;
    batch.stages.resize(1);
    batch.stages[0].name = "image";
    batch.parallelism = 5;
    return batch;
  }
  static Now At(Duration after) { return {kStart + after, SteadyTime(after)}; }
  void Run(uint32_t build, Duration after) {
    plan_.Observe(build, {1, Phase::Running, plan::Cause::Build, {}});
    forecast_.Ran(build, 1, "pod", kStart + after, At(after));
  }

  static FlaggedList Hung(uint32_t build) {
    FlaggedList hung;
    hung.Put({"job", build, true, {Verdict::Kind::Hang, "Idle", "", "", kStart}, {}, {}, {}, 1});
    return hung;
  }

  static constexpr Time kStart{minutes(1'000'000)};
  batch::Batch batch_ = OneStage();
  plan::Plan plan_{Unconnected(20), 1, plan::Policy{}};
  Forecast forecast_{batch_, plan_};
};

TEST_F(ForecastTest, TellsTheSlowFromTheOthersAndWakesForThem) {
  Run(10, seconds(0));
  forecast_.Step({}, At(seconds(1)));
  EXPECT_EQ(forecast_.slow(0), 0);
  (void)forecast_.TakeChange();
  for (auto next = forecast_.Next(); next && *next < kStart + minutes(10); next = forecast_.Next()) {
    forecast_.Step({}, At(*next - kStart));
    if (forecast_.slow(0) > 0) break;
  }
  ASSERT_EQ(forecast_.slow(0), 1) << "its own timers must have led there";
  EXPECT_TRUE(forecast_.TakeChange());
  const auto [build, entry] = forecast_.SlowBuilds().at(0);
  EXPECT_EQ(build, 10U);
  EXPECT_EQ(entry.stage, "image");
  EXPECT_EQ(entry.pod, "pod");
  EXPECT_EQ(entry.since, kStart);
  EXPECT_NEAR(static_cast<double>(entry.median_seconds), 60, 2);
  forecast_.Ended(10, At(minutes(11)));
  forecast_.Step({}, At(minutes(11)));
  EXPECT_EQ(forecast_.slow(0), 0);
}

TEST_F(ForecastTest, AHungBuildIsNotSlow) {
  Run(10, seconds(0));
  forecast_.Step(Hung(10), At(minutes(30)));
  EXPECT_EQ(forecast_.slow(0), 0);
  forecast_.Step({}, At(minutes(31)));
  EXPECT_EQ(forecast_.slow(0), 1);
}

TEST_F(ForecastTest, FollowsTheFactorOfNow) {
  Run(10, seconds(0));
  batch_.hang.slow_factor = 0;
  forecast_.Step({}, At(minutes(30)));
  EXPECT_EQ(forecast_.slow(0), 0);
}

TEST_F(ForecastTest, EstimatesFromHowManyReallyRun) {
  Run(10, seconds(0));
  Run(11, seconds(0));
  forecast_.Step({}, At(seconds(20)));
  ASSERT_TRUE(forecast_.end()) << "two run at once, 8 wait";
  EXPECT_NEAR(static_cast<double>((forecast_.end()->likely - kStart).count()) / 60'000, 5.5, 1);
  batch_.suspend = true;
  forecast_.Step({}, At(minutes(3)));
  EXPECT_FALSE(forecast_.end()) << "nobody knows when it goes on";
}

TEST_F(ForecastTest, ForeseesNothingOnceAllThatIsLeftHangs) {
  for (uint32_t build = 10; build < 20; ++build) {
    Run(build, seconds(0));
    if (build == 19) break;
    plan_.Observe(build, {1, Phase::Succeeded, plan::Cause::Build, kStart});
    forecast_.Ended(build, At(seconds(1)));
  }
  forecast_.Step({}, At(seconds(20)));
  ASSERT_TRUE(forecast_.end());
  forecast_.Step(Hung(19), At(seconds(21)));
  EXPECT_FALSE(forecast_.end());
}

TEST_F(ForecastTest, RenewsTheEstimateSoonAfterABuildHasFinishedAndSeldomOtherwise) {
  Run(10, seconds(0));
  forecast_.Step({}, At(seconds(1)));
  const auto first = forecast_.end();
  ASSERT_TRUE(first);
  forecast_.Step({}, At(seconds(30)));
  EXPECT_EQ(forecast_.end()->likely, first->likely);
  forecast_.Finished(12, 60);
  forecast_.Step({}, At(seconds(31)));
  EXPECT_NE(forecast_.end()->likely, first->likely);
  (void)forecast_.TakeChange();
  forecast_.Step({}, At(seconds(91)));
  EXPECT_TRUE(forecast_.TakeChange());
}

}  // namespace
}  // namespace imagebatch::cluster
