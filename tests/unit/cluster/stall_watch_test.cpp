#include "cluster/watch/stall_watch.h"

#include <gtest/gtest.h>

#include <vector>

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr Time kCreated{std::chrono::hours(24 * 365 * 50)};
constexpr Limits kLimit{seconds(600), seconds(1800)};
constexpr const char* kFailedMount =
    R"({"items": [{"type": "Warning", "reason": "FailedMount", "message": "configmap not found"}]})";
constexpr const char* kQuota =
    R"({"items": [{"type": "Warning", "reason": "FailedCreate", "message": "exceeded quota: q, requested: pods=2, used: pods=0, limited: pods=1"}]})";

/// Of an answer that was asked for: it counts from the asking.
constexpr Now kAnyTime{};

Now At(int second) { return {kCreated + seconds(second), SteadyTime(seconds(100000 + second))}; }

JobView Job() {
  JobView job;
  job.uid = "j";
  job.created = kCreated;
  return job;
}

/// A Pod with a node; `reason` is what its build waits for, empty for nothing that is told.
PodView Pod(const char* reason) {
  PodView pod;
  pod.uid = "p";
  pod.node = "n";
  pod.build = ContainerView();
  if (*reason != '\0') pod.waiting = {"build", reason, "m", ""};
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
  EXPECT_EQ(watch.verdict()->class_name, "ImagePull");
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
  EXPECT_FALSE(watch.Look(Job(), Pod(""), Limits(), At(100000)));
  EXPECT_FALSE(watch.verdict());
  EXPECT_EQ(watch.Next(), std::nullopt);
}

TEST(StallWatchTest, TheEventsBringTheReasonAndAreReadAgainEveryMinute) {
  StallWatch watch;
  EXPECT_TRUE(watch.Look(Job(), Pod(""), kLimit, At(600)));
  EXPECT_FALSE(watch.verdict()) << "not before the answer";
  EXPECT_FALSE(watch.Look(Job(), Pod(""), kLimit, At(601))) << "asked already";
  EXPECT_EQ(watch.Next(), std::nullopt);
  watch.OnEvents("p", {true, FindTelling(kFailedMount)}, kAnyTime);
  EXPECT_FALSE(watch.Look(Job(), Pod(""), kLimit, At(602)));
  ASSERT_TRUE(watch.verdict());
  EXPECT_EQ(watch.verdict()->class_name, "ContainerCreating");
  EXPECT_EQ(watch.verdict()->message, "its containers do not start: FailedMount: configmap not found");
  EXPECT_TRUE(watch.may_be_ended());
  EXPECT_EQ(watch.Next(), At(660).steady);
  EXPECT_FALSE(watch.Look(Job(), Pod(""), kLimit, At(659)));
  EXPECT_TRUE(watch.Look(Job(), Pod(""), kLimit, At(660)));
  watch.OnEvents(
      "p",
      {true,
       FindTelling(
           R"({"items": [{"type": "Warning", "reason": "FailedMount", "message": "secret not found"}]})")},
      kAnyTime);
  watch.Look(Job(), Pod(""), kLimit, At(663));
  EXPECT_EQ(watch.verdict()->message, "its containers do not start: FailedMount: secret not found");
  EXPECT_EQ(watch.verdict()->since, At(600).wall);
}

TEST(StallWatchTest, WithoutAnAnswerTheVerdictComesWithoutAReason) {
  StallWatch watch;
  EXPECT_TRUE(watch.Look(Job(), Pod(""), kLimit, At(600)));
  watch.OnEvents("p", {}, kAnyTime);
  watch.Look(Job(), Pod(""), kLimit, At(601));
  ASSERT_TRUE(watch.verdict());
  EXPECT_FALSE(watch.may_be_ended());
  EXPECT_TRUE(watch.Look(Job(), Pod(""), kLimit, At(661)));
  watch.OnEvents("p", {true, FindTelling(kFailedMount)}, kAnyTime);
  watch.Look(Job(), Pod(""), kLimit, At(662));
  EXPECT_TRUE(watch.may_be_ended());
  EXPECT_TRUE(watch.Look(Job(), Pod(""), kLimit, At(782)));
  watch.OnEvents("p", {}, kAnyTime);
  watch.Look(Job(), Pod(""), kLimit, At(783));
  EXPECT_TRUE(watch.may_be_ended()) << "what was known still is";
}

TEST(StallWatchTest, AnAnswerThatComesWithAnothersIsAskedForAgainALittleLater) {
  StallWatch watch;
  EXPECT_FALSE(watch.follows_events());
  EXPECT_TRUE(watch.Look(Job(), Pod(""), kLimit, At(600)));
  EXPECT_EQ(watch.kind_of_events(), EventKind::Pod);
  EXPECT_TRUE(watch.follows_events());
  watch.OnEvents("p", {true, FindTelling(kFailedMount)}, At(601));
  watch.Look(Job(), Pod(""), kLimit, At(601));
  watch.OnEvents("p", {true, FindTelling(kFailedMount)}, At(650));
  EXPECT_FALSE(watch.Look(Job(), Pod(""), kLimit, At(650)));
  EXPECT_EQ(watch.Next(), At(770).steady) << "twice the time of the first";
}

TEST(StallWatchTest, TheEventsAreReadMoreAndMoreSeldom) {
  StallWatch watch;
  std::vector<int> asked;
  for (int second = 600; second < 4000; ++second) {
    if (!watch.Look(Job(), Pod(""), kLimit, At(second))) continue;
    asked.push_back(second);
    watch.OnEvents("p", {true, FindTelling(kFailedMount)}, kAnyTime);
  }
  EXPECT_EQ(asked, (std::vector<int>{600, 660, 780, 1020, 1500, 2100, 2700, 3300, 3900}));
}

TEST(StallWatchTest, WhatTheJobWaitedForIsForgottenWithItsPod) {
  StallWatch watch;
  EXPECT_FALSE(watch.Look(Job(), std::nullopt, kLimit, At(59)));
  EXPECT_EQ(watch.Next(), At(60).steady) << "a quota may hold it, which only the Events tell";
  EXPECT_TRUE(watch.Look(Job(), std::nullopt, kLimit, At(60)));
  watch.OnEvents("j", {true, FindTelling(kQuota)}, kAnyTime);
  EXPECT_FALSE(watch.Look(Job(), std::nullopt, kLimit, At(61)));
  EXPECT_FALSE(watch.verdict()) << "not before the limit";
  EXPECT_TRUE(watch.Look(Job(), std::nullopt, kLimit, At(601)));
  watch.OnEvents("j", {true, FindTelling(kQuota)}, kAnyTime);
  ASSERT_TRUE(watch.verdict());
  EXPECT_EQ(watch.verdict()->class_name, "QuotaExceeded");
  PodView pod = Pod("");
  pod.step_done = At(900).wall;
  EXPECT_FALSE(watch.Look(Job(), pod, kLimit, At(901)));
  EXPECT_FALSE(watch.verdict()) << "a new step has begun";
  EXPECT_EQ(watch.Next(), At(1500).steady);
  EXPECT_TRUE(watch.Look(Job(), pod, kLimit, At(1500)));
}

TEST(StallWatchTest, AnAnswerAboutAnotherObjectIsNotTakenForItsOwn) {
  StallWatch watch;
  EXPECT_TRUE(watch.Look(Job(), std::nullopt, kLimit, At(600)));
  PodView pod = Pod("");
  EXPECT_FALSE(watch.Look(Job(), pod, kLimit, At(601))) << "one at a time";
  watch.OnEvents("j", {true, FindTelling(kQuota)}, kAnyTime);
  EXPECT_TRUE(watch.Look(Job(), pod, kLimit, At(602))) << "now the Pod's own";
  EXPECT_EQ(watch.events_of(), "p");
  watch.OnEvents("p", {true, FindTelling(kFailedMount)}, kAnyTime);
  watch.Look(Job(), pod, kLimit, At(603));
  ASSERT_TRUE(watch.verdict());
  EXPECT_EQ(watch.verdict()->class_name, "ContainerCreating");
}

TEST(StallWatchTest, AQuotaThatOthersUseUpHoldsAndIsNoVerdict) {
  constexpr const char* kUsedUp =
      R"({"items": [{"type": "Warning", "reason": "FailedCreate", "message": "exceeded quota: q, requested: pods=1, used: pods=9, limited: pods=9"}]})";
  StallWatch watch;
  EXPECT_TRUE(watch.Look(Job(), std::nullopt, kLimit, At(60)));
  EXPECT_EQ(watch.state().phase, plan::Phase::Pending);
  watch.OnEvents("j", {true, FindTelling(kUsedUp)}, kAnyTime);
  for (int second = 61; second < 86400; ++second) {
    if (watch.Look(Job(), std::nullopt, kLimit, At(second))) {
      watch.OnEvents("j", {true, FindTelling(kUsedUp)}, kAnyTime);
      watch.Look(Job(), std::nullopt, kLimit, At(second));
    }
    ASSERT_FALSE(watch.verdict());
    ASSERT_EQ(watch.state().phase, plan::Phase::Held);
    ASSERT_TRUE(watch.Next()) << "another reason may take its place";
  }
  EXPECT_NE(watch.HeldBy().find("exceeded quota: q"), std::string::npos);
  watch.Look(Job(), Pod("ErrImagePull"), kLimit, At(86400));
  EXPECT_EQ(watch.state().phase, plan::Phase::Pending);
  EXPECT_TRUE(watch.verdict());
}

TEST(StallWatchTest, ABuildThatHasEndedIsOverOnceTheOthersHadTheirTime) {
  PodView pod = Running();
  pod.build->state = ContainerView::State::Terminated;
  pod.grace = seconds(10);
  StallWatch watch;
  watch.Look(Job(), Running(), kLimit, At(1000));
  watch.Look(Job(), pod, Limits(), At(1001));
  EXPECT_FALSE(watch.over());
  EXPECT_EQ(watch.Next(), At(1041).steady) << "its grace period and 30 s, switched off by nothing";
  watch.Look(Job(), pod, kLimit, At(1040));
  EXPECT_FALSE(watch.over());
  watch.Look(Job(), pod, kLimit, At(1041));
  EXPECT_TRUE(watch.over());
  pod.over = true;
  watch.Look(Job(), pod, kLimit, At(1042));
  EXPECT_FALSE(watch.over()) << "all of the Pod has ended: the Job will";
  EXPECT_EQ(watch.Next(), At(1642).steady);
}

TEST(StallWatchTest, APodThatIsGoneFromAJobThatGoesOnIsTold) {
  StallWatch watch;
  watch.Look(Job(), Running(), kLimit, At(5));
  PodView gone = Running();
  gone.gone = true;
  gone.build->started = At(4000).wall;
  EXPECT_FALSE(watch.Look(Job(), gone, kLimit, At(4000))) << "it is about to fail, most likely";
  EXPECT_FALSE(watch.verdict());
  EXPECT_TRUE(watch.Look(Job(), gone, kLimit, At(4600)));
  watch.OnEvents("j", {}, kAnyTime);
  watch.Look(Job(), gone, kLimit, At(4601));
  ASSERT_TRUE(watch.verdict());
  EXPECT_EQ(watch.verdict()->class_name, "PodNotCreated");
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
  EXPECT_EQ(watch.verdict()->class_name, "ContainerCreating");
}

}  // namespace
}  // namespace imagebatch::cluster
