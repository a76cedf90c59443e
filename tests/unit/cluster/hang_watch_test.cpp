#include "cluster/watch/hang_watch.h"

#include <gtest/gtest.h>

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr Time kStarted{std::chrono::hours(24 * 365 * 50)};
constexpr Time kWall = kStarted + seconds(1000);
constexpr const char* kHung =
    "2026-01-02T03:04:06.000000001Z "
    R"({"imagebatch":"evidence","marker":"m1","verdict":"Hung","class":"Idle","reason":"r","message":"m","since":"2026-01-02T03:04:05Z"})"
    "\n";
constexpr seconds kNever(0);

kube::Response Log(const std::string& text) { return {200, text, std::nullopt, text.size()}; }

/// The wall clock stands still: no decision may depend on it.
Now At(int second) { return {kWall, SteadyTime(seconds(100000 + second))}; }

/// A Pod whose build has run for long; `ready_changed` later than its start: it was ready once.
PodView Pod(bool ready, Time ready_changed = kStarted + seconds(500)) {
  PodView pod;
  pod.ns = "builds";
  pod.name = "p";
  pod.container = "build";
  pod.marker = "m1";
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

/// What an observer sees of it.
std::string Shown(const HangWatch& watch) {
  if (!watch.verdict()) return "";
  return watch.verdict()->class_name + " " + watch.verdict()->reason + " since " +
         FormatTime(watch.verdict()->since);
}

void ExpectLook(HangWatch& watch, const PodView& pod, seconds silent_after, Now now, bool reads,
                bool changes) {
  const std::string before = Shown(watch);
  EXPECT_EQ(watch.Look(pod, silent_after, now).has_value(), reads);
  EXPECT_EQ(Shown(watch) != before, changes);
}

/// Whether the verdict has come, changed or gone with it.
bool Tells(HangWatch& watch, const Result<kube::Response>& log, Now now) {
  const std::string before = Shown(watch);
  watch.OnLog(log, now);
  return Shown(watch) != before;
}

// Its runner is stopped, and the build prints more than can be read
TEST(HangWatchTest, AFloodWithoutAVerdictIsFollowedUntilItIsUnobserved) {
  HangWatch watch;
  const kube::Response piece{200, "", std::nullopt, 20 << 20};
  for (int second = 0; second < 45; ++second) {
    ExpectLook(watch, Pod(false), kNever, At(second), true, false);
    ASSERT_FALSE(Tells(watch, piece, At(second)));
    EXPECT_EQ(watch.Next(), At(second).steady) << "there is more";
  }
  ExpectLook(watch, Pod(false), kNever, At(45), true, false);
  EXPECT_TRUE(Tells(watch, piece, At(45)));
  EXPECT_EQ(watch.Next(), At(105).steady);
  ExpectLook(watch, Pod(false), kNever, At(105), true, false);
  EXPECT_FALSE(Tells(watch, piece, At(105)));
  EXPECT_EQ(watch.Next(), At(165).steady);
}

TEST(HangWatchTest, NothingIsAskedOfAReadyBuild) {
  HangWatch watch;
  ExpectLook(watch, Pod(true), kNever, At(0), false, false);
  EXPECT_EQ(watch.Next(), std::nullopt);
}

TEST(HangWatchTest, ABuildThatHasJustStartedIsNotLookedAtBeforeItsFirstProbes) {
  for (const Time ready_changed : {Time{}, kStarted - seconds(3), kStarted}) {
    HangWatch watch;
    ExpectLook(watch, Pod(false, ready_changed), kNever, At(0), false, false);
    EXPECT_EQ(watch.Next(), At(10).steady);
    ExpectLook(watch, Pod(false, ready_changed), kNever, At(9), false, false);
    ExpectLook(watch, Pod(false, ready_changed), kNever, At(10), true, false);
  }
}

TEST(HangWatchTest, OnceUnreadyTheLogGivesTheVerdict) {
  HangWatch watch;
  watch.Look(Pod(true), kNever, At(0));
  ExpectLook(watch, Pod(false), kNever, At(5), true, false);
  EXPECT_EQ(watch.Next(), std::nullopt) << "a read is under way";
  ExpectLook(watch, Pod(false), kNever, At(6), false, false);
  EXPECT_TRUE(Tells(watch, Log(kHung), At(7)));
  ASSERT_TRUE(watch.verdict());
  EXPECT_EQ(watch.verdict()->class_name, "Idle");
  ASSERT_NE(watch.evidence(), nullptr);
  EXPECT_EQ(watch.evidence()->verdict.reason, "r");
  EXPECT_EQ(watch.Next(), At(67).steady) << "its class may change";
  ExpectLook(watch, Pod(false), kNever, At(66), false, false);
}

TEST(HangWatchTest, ReadsAgainEvery5SecondsUntilThereIsAVerdict) {
  HangWatch watch;
  ExpectLook(watch, Pod(false), kNever, At(0), true, false);
  EXPECT_FALSE(Tells(watch, Fail("no answer"), At(1)));
  EXPECT_EQ(watch.Next(), At(6).steady);
  ExpectLook(watch, Pod(false), kNever, At(5), false, false);
  ExpectLook(watch, Pod(false), kNever, At(6), true, false);
  EXPECT_FALSE(Tells(watch, Log("no verdict in here\n"), At(7)));
  ExpectLook(watch, Pod(false), kNever, At(12), true, false);
  EXPECT_TRUE(Tells(watch, Log(kHung), At(13)));
}

TEST(HangWatchTest, ASilentRunnerIsUnobservedAfter45Seconds) {
  HangWatch watch;
  int second = 0;
  for (; second < 45; second += 5) {
    ExpectLook(watch, Pod(false), kNever, At(second), true, false);
    ASSERT_FALSE(Tells(watch, Log(""), At(second))) << second;
    EXPECT_FALSE(watch.verdict());
  }
  ExpectLook(watch, Pod(false), kNever, At(second), true, false);
  EXPECT_TRUE(Tells(watch, Log(""), At(second)));
  ASSERT_TRUE(watch.verdict());
  EXPECT_EQ(watch.verdict()->class_name, "Unobserved");
  EXPECT_EQ(watch.verdict()->since, kWall);
  EXPECT_EQ(watch.verdict()->message, "its runner has not reported for 45 s");
  EXPECT_EQ(watch.verdict()->reason, "RunnerSilent");
  EXPECT_EQ(watch.evidence(), nullptr);
}

TEST(HangWatchTest, UnobservedGivesWayToTheRunnersOwnVerdict) {
  HangWatch watch;
  watch.Look(Pod(false), kNever, At(0));
  EXPECT_TRUE(Tells(watch, Log(""), At(45)));
  EXPECT_EQ(watch.Next(), At(105).steady) << "the log is still read";
  ExpectLook(watch, Pod(false), kNever, At(105), true, false);
  EXPECT_FALSE(Tells(watch, Log(""), At(106))) << "told once";
  ExpectLook(watch, Pod(false), kNever, At(166), true, false);
  EXPECT_TRUE(Tells(watch, Log(kHung), At(167)));
  EXPECT_EQ(watch.verdict()->class_name, "Idle");
}

TEST(HangWatchTest, ALogThatCannotBeReadIsNoSilentRunner) {
  HangWatch watch;
  int reads = 0;
  for (int second = 0; second < 3600; ++second) {
    if (!watch.Look(Pod(false), kNever, At(second))) continue;
    ++reads;
    watch.OnLog(Fail("pods \"p\" is forbidden"), At(second));
  }
  ASSERT_TRUE(watch.verdict());
  EXPECT_EQ(watch.verdict()->class_name, "Unobserved");
  EXPECT_EQ(watch.verdict()->reason, "LogUnreadable");
  EXPECT_EQ(watch.verdict()->message,
            "its runner does not report progress, and its log cannot be read: pods \"p\" is forbidden");
  EXPECT_LE(reads, 10 + 60) << "once it is told, no more than one a minute";
  watch.Look(Pod(false), kNever, At(3700));
  EXPECT_TRUE(Tells(watch, Log(""), At(3700)));
  EXPECT_EQ(watch.verdict()->reason, "RunnerSilent");
  watch.Look(Pod(false), kNever, At(3800));
  EXPECT_TRUE(Tells(watch, Log(kHung), At(3800)));
  EXPECT_EQ(watch.verdict()->class_name, "Idle");
}

TEST(HangWatchTest, BeforeItsStartupProbeHasPassedNobodyAsksForItsProgress) {
  PodView pod = Pod(false, kStarted);
  pod.build->up = false;
  HangWatch watch;
  for (int second = 0; second < 600; second += 5) {
    ExpectLook(watch, pod, kNever, At(second), false, false);
    EXPECT_EQ(watch.Next(), std::nullopt);
  }
  pod.build->up = true;
  watch.Look(pod, kNever, At(600));
  EXPECT_EQ(watch.Next(), At(610).steady) << "from now on it is asked";
}

TEST(HangWatchTest, ALogThatCannotBeReadIsToldOfABuildWithoutARunnerToo) {
  PodView pod = Pod(false);
  pod.runner = false;
  pod.build->started = kWall - seconds(300);
  HangWatch watch;
  ASSERT_TRUE(watch.Look(pod, seconds(300), At(0)));
  EXPECT_FALSE(Tells(watch, Fail("no route to host"), At(1))) << "it may work the next time";
  ASSERT_TRUE(watch.Look(pod, seconds(300), At(61)));
  EXPECT_TRUE(Tells(watch, Fail("no route to host"), At(62)));
  EXPECT_EQ(watch.verdict()->reason, "LogUnreadable");
  EXPECT_NE(watch.verdict()->message.find("no route to host"), std::string::npos);
}

TEST(HangWatchTest, AReadyBuildIsClearedOfItsVerdict) {
  HangWatch watch;
  watch.Look(Pod(false), kNever, At(0));
  watch.OnLog(Log(kHung), At(1));
  ExpectLook(watch, Pod(true), kNever, At(20), false, true);
  EXPECT_FALSE(watch.verdict());
  ExpectLook(watch, Pod(true), kNever, At(21), false, false);
  ExpectLook(watch, Pod(false, kStarted + seconds(900)), kNever, At(400), true, false);  // it may hang again
}

TEST(HangWatchTest, ALogThatComesTooLateChangesNothing) {
  HangWatch watch;
  watch.Look(Pod(false), kNever, At(0));
  watch.Look(Pod(true), kNever, At(1));
  EXPECT_FALSE(Tells(watch, Log(kHung), At(2)));
  EXPECT_FALSE(watch.verdict());
  watch.Look(Pod(false), kNever, At(3));
  watch.Look(Ended(), kNever, At(4));
  EXPECT_FALSE(Tells(watch, Log(kHung), At(5)));
}

TEST(HangWatchTest, TheVerdictOfAnEndedBuildStands) {
  HangWatch watch;
  watch.Look(Pod(false), kNever, At(0));
  watch.OnLog(Log(kHung), At(1));
  ExpectLook(watch, Ended(), kNever, At(2), false, false);
  EXPECT_TRUE(watch.verdict());
  PodView deleting = Pod(false);
  deleting.deleting = true;
  ExpectLook(watch, deleting, kNever, At(3), false, false);
  EXPECT_TRUE(watch.verdict());
  EXPECT_EQ(watch.Next(), std::nullopt);
}

TEST(HangWatchTest, TheLogIsReadFrom15SecondsBeforeItTurnedUnready) {
  PodView pod = Pod(false);
  pod.ready_changed = *ParseTime("2026-01-02T03:04:20Z");
  HangWatch watch;
  const auto read = watch.Look(pod, kNever, At(0));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->method, kube::Method::Get);
  EXPECT_EQ(read->path,
            "/api/v1/namespaces/builds/pods/p/"
            "log?container=build&timestamps=true&sinceTime=2026-01-02T03:04:05Z&limitBytes=4194304");
  EXPECT_EQ(read->lane, kube::Lane::Logs) << "a node that does not answer holds up logs alone";
  EXPECT_EQ(read->node, pod.node);
}

TEST(HangWatchTest, AClassThatChangesIsToldAndTheSameOneIsNot) {
  HangWatch watch;
  watch.Look(Pod(false), kNever, At(0));
  EXPECT_TRUE(Tells(watch, Log(kHung), At(1)));
  ExpectLook(watch, Pod(false), kNever, At(61), true, false);
  EXPECT_FALSE(Tells(watch, Log(kHung), At(62)));
  ExpectLook(watch, Pod(false), kNever, At(122), true, false);
  std::string deadline = kHung;
  deadline.replace(deadline.find("Idle"), 4, "Deadline");
  deadline.replace(deadline.find("03:04:05Z"), 9, "03:05:05Z");
  EXPECT_TRUE(Tells(watch, Log(kHung + deadline), At(123)));
  EXPECT_EQ(watch.verdict()->class_name, "Deadline");
}

TEST(HangWatchTest, APieceThatWasCutIsFollowedByTheNextAtOnce) {
  HangWatch watch;
  watch.Look(Pod(false), kNever, At(0));
  const std::string noise = "2026-01-02T03:04:05Z " + std::string(4 << 20, 'x') + "\n";
  EXPECT_FALSE(Tells(watch, Log(noise), At(1)));
  EXPECT_EQ(watch.Next(), At(1).steady);
}

TEST(HangWatchTest, ABuildWithoutARunnerIsWatchedByItsLogAlone) {
  PodView pod = Pod(false);
  pod.runner = false;
  pod.build->started = kWall - seconds(100);
  HangWatch watch;
  ExpectLook(watch, pod, seconds(300), At(0), false, false);
  EXPECT_EQ(watch.Next(), At(200).steady);
  const auto read = watch.Look(pod, seconds(300), At(200));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->path,
            "/api/v1/namespaces/builds/pods/p/log?container=build&timestamps=true&tailLines=1&limitBytes=64");
}

}  // namespace
}  // namespace imagebatch::cluster
