#include "cluster/stall_watch.h"

#include <gtest/gtest.h>

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr Time kCreated{std::chrono::hours(24 * 365 * 50)};
constexpr seconds kLimit(600);
constexpr const char* kFailedMount =
    R"({"items": [{"type": "Warning", "reason": "FailedMount", "message": "configmap not found"}]})";
constexpr const char* kQuota =
    R"({"items": [{"type": "Warning", "reason": "FailedCreate", "message": "exceeded quota: q"}]})";

Now At(int second) { return {kCreated + seconds(second), SteadyTime(seconds(100000 + second))}; }

JobView Job() {
  JobView job;
  job.created = kCreated;
  return job;
}

/// A Pod with a node; `reason` is what its build waits for, empty for nothing that is told.
PodView Pod(const char* reason) {
  PodView pod;
  pod.node = "n";
  pod.build = ContainerView();
  if (*reason != '\0') pod.waiting = {"build", reason, "m"};
  return pod;
}

PodView Running() {
  PodView pod = Pod("");
  pod.build->state = ContainerView::State::Running;
  return pod;
}

TEST(StallWatchTest, AWaitBecomesAVerdictOnceItHasLasted) {
  StallWatch watch;
  EXPECT_FALSE(watch.Look(Job(), Pod("ImagePullBackOff"), kLimit, At(10)));
  EXPECT_FALSE(watch.verdict());
  EXPECT_EQ(watch.Next(), At(600).steady);
  watch.Look(Job(), Pod("ImagePullBackOff"), kLimit, At(599));
  EXPECT_FALSE(watch.verdict());
  EXPECT_FALSE(watch.Look(Job(), Pod("ImagePullBackOff"), kLimit, At(605))) << "the status says why";
  ASSERT_TRUE(watch.verdict());
  EXPECT_EQ(watch.verdict()->klass, "ImagePull");
  EXPECT_EQ(watch.verdict()->since, At(600).wall);
  EXPECT_TRUE(watch.may_be_ended());
  watch.Look(Job(), Running(), kLimit, At(700));
  EXPECT_FALSE(watch.verdict());
  EXPECT_FALSE(watch.may_be_ended());
  EXPECT_EQ(watch.Next(), std::nullopt);
}

TEST(StallWatchTest, NobodyIsAskedOfABuildThatStartsInTime) {
  StallWatch watch;
  EXPECT_FALSE(watch.Look(Job(), std::nullopt, kLimit, At(0)));
  EXPECT_FALSE(watch.Look(Job(), Pod(""), kLimit, At(300)));
  EXPECT_FALSE(watch.Look(Job(), Running(), kLimit, At(599)));
  EXPECT_FALSE(watch.Look(Job(), Running(), kLimit, At(9999)));
}

TEST(StallWatchTest, ZeroSwitchesItOff) {
  StallWatch watch;
  EXPECT_FALSE(watch.Look(Job(), Pod(""), seconds(0), At(100000)));
  EXPECT_FALSE(watch.verdict());
  EXPECT_EQ(watch.Next(), std::nullopt);
}

TEST(StallWatchTest, TheEventsBringTheReasonAndAreReadAgainEveryMinute) {
  StallWatch watch;
  EXPECT_TRUE(watch.Look(Job(), Pod(""), kLimit, At(600)));
  EXPECT_FALSE(watch.verdict()) << "not before the answer";
  EXPECT_FALSE(watch.Look(Job(), Pod(""), kLimit, At(601))) << "asked already";
  EXPECT_EQ(watch.Next(), std::nullopt);
  watch.OnEvents(kFailedMount);
  EXPECT_FALSE(watch.Look(Job(), Pod(""), kLimit, At(602)));
  ASSERT_TRUE(watch.verdict());
  EXPECT_EQ(watch.verdict()->klass, "ContainerCreating");
  EXPECT_EQ(watch.verdict()->message, "its containers do not start: FailedMount: configmap not found");
  EXPECT_TRUE(watch.may_be_ended());
  EXPECT_EQ(watch.Next(), At(662).steady);
  EXPECT_FALSE(watch.Look(Job(), Pod(""), kLimit, At(661)));
  EXPECT_TRUE(watch.Look(Job(), Pod(""), kLimit, At(662)));
  watch.OnEvents(
      R"({"items": [{"type": "Warning", "reason": "FailedMount", "message": "secret not found"}]})");
  watch.Look(Job(), Pod(""), kLimit, At(663));
  EXPECT_EQ(watch.verdict()->message, "its containers do not start: FailedMount: secret not found");
  EXPECT_EQ(watch.verdict()->since, At(600).wall);
}

TEST(StallWatchTest, WithoutAnAnswerTheVerdictComesWithoutAReason) {
  StallWatch watch;
  EXPECT_TRUE(watch.Look(Job(), Pod(""), kLimit, At(600)));
  watch.OnEvents(std::nullopt);
  watch.Look(Job(), Pod(""), kLimit, At(601));
  ASSERT_TRUE(watch.verdict());
  EXPECT_FALSE(watch.may_be_ended());
  EXPECT_TRUE(watch.Look(Job(), Pod(""), kLimit, At(661)));
  watch.OnEvents(kFailedMount);
  watch.Look(Job(), Pod(""), kLimit, At(662));
  EXPECT_TRUE(watch.may_be_ended());
  EXPECT_TRUE(watch.Look(Job(), Pod(""), kLimit, At(722)));
  watch.OnEvents(std::nullopt);
  watch.Look(Job(), Pod(""), kLimit, At(723));
  EXPECT_TRUE(watch.may_be_ended()) << "what was known still is";
}

TEST(StallWatchTest, WhatTheJobWaitedForIsForgottenWithItsPod) {
  StallWatch watch;
  EXPECT_TRUE(watch.Look(Job(), std::nullopt, kLimit, At(600)));
  watch.OnEvents(kQuota);
  watch.Look(Job(), std::nullopt, kLimit, At(601));
  EXPECT_EQ(watch.verdict()->klass, "QuotaExceeded");
  PodView pod = Pod("");
  pod.step_done = At(900).wall;
  EXPECT_FALSE(watch.Look(Job(), pod, kLimit, At(901)));
  EXPECT_FALSE(watch.verdict()) << "a new step has begun";
  EXPECT_EQ(watch.Next(), At(1500).steady);
  EXPECT_TRUE(watch.Look(Job(), pod, kLimit, At(1500)));
}

TEST(StallWatchTest, APodThatIsGoneIsNotWaitedFor) {
  StallWatch watch;
  watch.Look(Job(), Running(), kLimit, At(5));
  EXPECT_FALSE(watch.Look(Job(), std::nullopt, kLimit, At(5000)));
  EXPECT_FALSE(watch.verdict());
}

TEST(StallWatchTest, AClassThatChangesIsToldAtOnceItsWordsOnceAMinute) {
  StallWatch watch;
  watch.Look(Job(), Pod("ErrImagePull"), kLimit, At(600));
  watch.Look(Job(), Pod("ImagePullBackOff"), kLimit, At(630));
  EXPECT_NE(watch.verdict()->message.find("ErrImagePull"), std::string::npos);
  EXPECT_EQ(watch.Next(), At(660).steady);
  watch.Look(Job(), Pod("ImagePullBackOff"), kLimit, At(660));
  EXPECT_NE(watch.verdict()->message.find("ImagePullBackOff"), std::string::npos);
  watch.Look(Job(), Pod("CreateContainerError"), kLimit, At(661));
  EXPECT_EQ(watch.verdict()->klass, "ContainerCreating");
}

}  // namespace
}  // namespace imagebatch::cluster
