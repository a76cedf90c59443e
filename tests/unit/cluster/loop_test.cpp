#include "loop/loop.h"

#include <gmock/gmock.h>

#include <thread>

#include "unit/cluster/fake_api.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

TEST(HealthTest, ALoopThatMakesNoRoundForHalfAMinuteIsNotAlive) {
  EXPECT_TRUE(HealthOf(seconds(30) - Duration(1), true, std::nullopt).live.ok);
  EXPECT_FALSE(HealthOf(seconds(30), true, std::nullopt).live.ok);
  EXPECT_EQ(HealthOf(seconds(31), true, std::nullopt).live.reason, "the last round of the loop was 31 s ago");
}

TEST(HealthTest, AnOutageOfTheApiServerIsNoReasonToBeRestarted) {
  EXPECT_TRUE(HealthOf(seconds(5), false, "cannot watch jobs").live.ok);
}

TEST(HealthTest, ReadyIsWhoHasListedAllAndIsNotBlind) {
  EXPECT_TRUE(HealthOf(seconds(0), true, std::nullopt).ready.ok);
  const auto not_yet = HealthOf(seconds(0), false, "cannot watch jobs").ready;
  EXPECT_FALSE(not_yet.ok);
  EXPECT_THAT(not_yet.reason, HasSubstr("not all listed yet"));
  const auto blind = HealthOf(seconds(0), true, "cannot watch jobs").ready;
  EXPECT_FALSE(blind.ok);
  EXPECT_EQ(blind.reason, "cannot watch jobs");
}

TEST(LoopTest, IsReadyOnceAllIsListedAndAliveBefore) {
  FakeApi api;
  api.Refuse("/pods");
  kube::RequestStats stats;
  kube::ApiClient client(api, stats);
  Loop loop(client, stats, "", RunnerSource{}, nullptr);
  EXPECT_TRUE(loop.Health().live.ok) << "it has not begun";
  std::thread run([&] { loop.Run(); });
  ASSERT_TRUE(Eventually([&] {
    const auto snapshot = loop.Snapshot();
    return snapshot && snapshot->failing_since.contains("WatchPods") && api.open() == 2;
  }));
  EXPECT_TRUE(loop.Health().live.ok);
  EXPECT_FALSE(loop.Health().ready.ok);
  EXPECT_EQ(loop.Snapshot()->last_reconcile, std::nullopt);

  api.Refuse("");
  EXPECT_TRUE(Eventually([&] { return loop.Health().ready.ok; }));
  // Whether the watches see is asked at each moment, the rounds follow
  EXPECT_TRUE(Eventually([&] { return loop.Snapshot()->last_reconcile.has_value(); }));
  loop.Stop();
  run.join();
  api.Shutdown();
}

}  // namespace
}  // namespace imagebatch::cluster
