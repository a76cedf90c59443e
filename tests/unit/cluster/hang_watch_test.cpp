#include "cluster/hang_watch.h"

#include <gtest/gtest.h>

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr Time kStarted{std::chrono::hours(24 * 365 * 50)};
constexpr Time kWall = kStarted + seconds(1000);
constexpr const char* kHung =
    R"({"imagebatch":"evidence","verdict":"Hung","class":"Idle","message":"m","since":"2026-01-02T03:04:05Z"})";

SteadyTime At(int second) { return SteadyTime(seconds(100000 + second)); }

/// A Pod whose build has run for long; `ready_changed` later than its start: it was ready once.
PodView Pod(bool ready, Time ready_changed = kStarted + seconds(500)) {
  PodView pod;
  pod.ns = "builds";
  pod.name = "p";
  pod.container = "build";
  pod.ready_changed = ready_changed;
  ContainerView build;
  build.state = ContainerView::State::Running;
  build.ready = ready;
  build.started = kStarted;
  pod.build = build;
  return pod;
}

PodView Ended() {
  PodView pod = Pod(false);
  pod.build->state = ContainerView::State::Terminated;
  return pod;
}

void ExpectStep(const HangWatch::Step& step, bool read_log, bool changed) {
  EXPECT_EQ(step.read_log, read_log);
  EXPECT_EQ(step.changed, changed);
}

TEST(HangWatchTest, NothingIsAskedOfAReadyBuild) {
  HangWatch watch;
  ExpectStep(watch.Look(Pod(true), At(0)), false, false);
  EXPECT_EQ(watch.Next(), std::nullopt);
}

TEST(HangWatchTest, ABuildThatHasJustStartedIsNotLookedAtBeforeItsFirstProbes) {
  for (const Time ready_changed : {Time{}, kStarted - seconds(3), kStarted}) {
    HangWatch watch;
    ExpectStep(watch.Look(Pod(false, ready_changed), At(0)), false, false);
    EXPECT_EQ(watch.Next(), At(10));
    ExpectStep(watch.Look(Pod(false, ready_changed), At(9)), false, false);
    ExpectStep(watch.Look(Pod(false, ready_changed), At(10)), true, false);
  }
}

TEST(HangWatchTest, OnceUnreadyTheLogGivesTheVerdict) {
  HangWatch watch;
  watch.Look(Pod(true), At(0));
  ExpectStep(watch.Look(Pod(false), At(5)), true, false);
  EXPECT_EQ(watch.Next(), std::nullopt) << "a read is under way";
  ExpectStep(watch.Look(Pod(false), At(6)), false, false);
  EXPECT_TRUE(watch.OnLog(kHung, At(7), kWall));
  ASSERT_TRUE(watch.verdict());
  EXPECT_EQ(watch.verdict()->klass, "Idle");
  EXPECT_EQ(watch.Next(), std::nullopt) << "there is nothing more to find out";
  ExpectStep(watch.Look(Pod(false), At(1000)), false, false);
}

TEST(HangWatchTest, ReadsAgainEvery5SecondsUntilThereIsAVerdict) {
  HangWatch watch;
  ExpectStep(watch.Look(Pod(false), At(0)), true, false);
  EXPECT_FALSE(watch.OnLog(std::nullopt, At(1), kWall));
  EXPECT_EQ(watch.Next(), At(6));
  ExpectStep(watch.Look(Pod(false), At(5)), false, false);
  ExpectStep(watch.Look(Pod(false), At(6)), true, false);
  EXPECT_FALSE(watch.OnLog("no verdict in here\n", At(7), kWall));
  ExpectStep(watch.Look(Pod(false), At(12)), true, false);
  EXPECT_TRUE(watch.OnLog(kHung, At(13), kWall));
}

TEST(HangWatchTest, ASilentRunnerIsUnobservedAfter45Seconds) {
  HangWatch watch;
  int second = 0;
  for (; second < 45; second += 5) {
    ExpectStep(watch.Look(Pod(false), At(second)), true, false);
    ASSERT_FALSE(watch.OnLog("", At(second), kWall)) << second;
    EXPECT_FALSE(watch.verdict());
  }
  ExpectStep(watch.Look(Pod(false), At(second)), true, false);
  EXPECT_TRUE(watch.OnLog(std::nullopt, At(second), kWall));
  ASSERT_TRUE(watch.verdict());
  EXPECT_EQ(watch.verdict()->klass, "Unobserved");
  EXPECT_EQ(watch.verdict()->since, kWall);
  EXPECT_EQ(watch.verdict()->message, "its runner has given no sign of life for 45 s");
  EXPECT_EQ(watch.verdict()->digest, "");
}

TEST(HangWatchTest, UnobservedGivesWayToTheRunnersOwnVerdict) {
  HangWatch watch;
  watch.Look(Pod(false), At(0));
  EXPECT_TRUE(watch.OnLog("", At(45), kWall));
  EXPECT_EQ(watch.Next(), At(50)) << "the log is still read";
  ExpectStep(watch.Look(Pod(false), At(50)), true, false);
  EXPECT_FALSE(watch.OnLog("", At(51), kWall)) << "told once";
  ExpectStep(watch.Look(Pod(false), At(56)), true, false);
  EXPECT_TRUE(watch.OnLog(kHung, At(57), kWall));
  EXPECT_EQ(watch.verdict()->klass, "Idle");
}

TEST(HangWatchTest, AReadyBuildIsClearedOfItsVerdict) {
  HangWatch watch;
  watch.Look(Pod(false), At(0));
  watch.OnLog(kHung, At(1), kWall);
  ExpectStep(watch.Look(Pod(true), At(20)), false, true);
  EXPECT_FALSE(watch.verdict());
  ExpectStep(watch.Look(Pod(true), At(21)), false, false);
  ExpectStep(watch.Look(Pod(false, kStarted + seconds(900)), At(400)), true, false);  // it may hang again
}

TEST(HangWatchTest, ALogThatComesTooLateChangesNothing) {
  HangWatch watch;
  watch.Look(Pod(false), At(0));
  watch.Look(Pod(true), At(1));
  EXPECT_FALSE(watch.OnLog(kHung, At(2), kWall));
  EXPECT_FALSE(watch.verdict());
  watch.Look(Pod(false), At(3));
  watch.Look(Ended(), At(4));
  EXPECT_FALSE(watch.OnLog(kHung, At(5), kWall));
}

TEST(HangWatchTest, TheVerdictOfAnEndedBuildStands) {
  HangWatch watch;
  watch.Look(Pod(false), At(0));
  watch.OnLog(kHung, At(1), kWall);
  ExpectStep(watch.Look(Ended(), At(2)), false, false);
  EXPECT_TRUE(watch.verdict());
  PodView deleting = Pod(false);
  deleting.deleting = true;
  ExpectStep(watch.Look(deleting, At(3)), false, false);
  EXPECT_TRUE(watch.verdict());
  EXPECT_EQ(watch.Next(), std::nullopt);
}

TEST(HangWatchTest, TheLogIsReadFrom15SecondsBeforeItTurnedUnready) {
  PodView pod = Pod(false);
  pod.ready_changed = *ParseTime("2026-01-02T03:04:20Z");
  const kube::Request request = LogRequest(pod);
  EXPECT_EQ(request.method, kube::Method::Get);
  EXPECT_EQ(request.path,
            "/api/v1/namespaces/builds/pods/p/"
            "log?container=build&sinceTime=2026-01-02T03:04:05Z&limitBytes=1048576");
}

}  // namespace
}  // namespace imagebatch::cluster
