#include "cluster/watch/course.h"

#include <gtest/gtest.h>

namespace imagebatch::cluster {
namespace {

using State = ContainerView::State;

SeenAttempt Seen(JobView::Phase phase, bool gone, std::optional<State> build, bool pod_gone = false) {
  SeenAttempt seen;
  seen.job = JobView();
  seen.job->phase = phase;
  seen.job->gone = gone;
  if (build) {
    seen.pod = PodView();
    seen.pod->gone = pod_gone;
    seen.pod->build = ContainerView();
    seen.pod->build->state = *build;
  }
  return seen;
}

constexpr auto kActive = JobView::Phase::Active;
constexpr auto kFailed = JobView::Phase::Failed;

TEST(NeedOf, WithoutAJobItIsCreatedOrLookedFor) {
  EXPECT_EQ(NeedOf({}, {}), Need::Create);
  EXPECT_EQ(NeedOf({}, {.taken = true}), Need::FindJob);
  EXPECT_EQ(NeedOf({}, {.concluded = true}), Need::Forget);
}

TEST(NeedOf, AnActiveJobIsWatchedUntilItsResultIsStored) {
  SeenAttempt seen = Seen(kActive, false, State::Running);
  EXPECT_EQ(NeedOf(seen, {}), Need::Watch);
  EXPECT_EQ(NeedOf(seen, {.concluded = true}), Need::Watch);
  EXPECT_EQ(NeedOf(seen, {.concluded = true, .stored = true}), Need::Delete);
  seen.job->deleting = true;
  EXPECT_EQ(NeedOf(seen, {.concluded = true, .stored = true}), Need::Watch);
}

TEST(NeedOf, AFinishedJobIsConcludedFromItsEndedPodOrAfterALook) {
  EXPECT_EQ(NeedOf(Seen(kFailed, false, State::Terminated), {}), Need::Conclude);
  EXPECT_EQ(NeedOf(Seen(kFailed, false, State::Running), {}), Need::ReadPods);
  EXPECT_EQ(NeedOf(Seen(kFailed, false, State::Running), {.looked = true}), Need::Conclude);
  EXPECT_EQ(NeedOf(Seen(kFailed, false, {}), {}), Need::ReadPods);
  EXPECT_EQ(NeedOf(Seen(kFailed, false, {}), {.looked = true}), Need::Conclude);
}

TEST(NeedOf, ADeletedJobIsNotOverWhileItsPodMayRun) {
  for (const State state : {State::Waiting, State::Running}) {
    EXPECT_EQ(NeedOf(Seen(kActive, true, state), {}), Need::Watch);
    EXPECT_EQ(NeedOf(Seen(kActive, true, state), {.looked = true}), Need::Watch);
    EXPECT_EQ(NeedOf(Seen(kActive, true, state, true), {}), Need::ReadPods);
  }
  EXPECT_EQ(NeedOf(Seen(kActive, true, State::Terminated), {}), Need::ReadPods) << "there may be another";
  EXPECT_EQ(NeedOf(Seen(kActive, true, State::Terminated), {.looked = true}), Need::Conclude);
  EXPECT_EQ(NeedOf(Seen(kActive, true, State::Terminated), {.looked = true, .others = true}), Need::ReadPods);
}

TEST(NeedOf, WhatIsConcludedIsForgottenWhenNothingOfItCanRun) {
  const Course course{.concluded = true, .stored = true},
      looked{.looked = true, .concluded = true, .stored = true};
  EXPECT_EQ(NeedOf(Seen(kFailed, false, State::Running), looked), Need::Watch);
  EXPECT_EQ(NeedOf(Seen(kActive, true, State::Running), course), Need::Watch);
  EXPECT_EQ(NeedOf(Seen(kFailed, false, State::Terminated), course), Need::Forget);
  EXPECT_EQ(NeedOf(Seen(kFailed, false, State::Running, true), course), Need::Forget);
  EXPECT_EQ(NeedOf(Seen(kActive, true, {}), course), Need::ReadPods);
  EXPECT_EQ(NeedOf(Seen(kActive, true, {}), looked), Need::Forget);
}

TEST(NeedOf, WhatWasCutShortIsForgottenOnceItsResultIsStored) {
  const Course course{.looked = true, .concluded = true, .cut_short = true};
  Course stored = course;
  stored.stored = true;
  for (const bool gone : {true, false}) {
    const SeenAttempt seen = Seen(gone ? kActive : JobView::Phase::Complete, gone, State::Terminated);
    EXPECT_EQ(NeedOf(seen, course), Need::Watch);
    EXPECT_EQ(NeedOf(seen, stored), Need::Forget);
  }
}

}  // namespace
}  // namespace imagebatch::cluster
