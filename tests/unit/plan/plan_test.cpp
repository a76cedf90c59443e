#include "plan/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace imagebatch::plan {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

MATCHER_P2(IsStart, build, attempt, "") {
  return arg.build == static_cast<uint32_t>(build) && arg.attempt == attempt;
}

constexpr Time kStart{std::chrono::hours(24 * 365 * 50)};

Attempt Running(int number) { return {number, Phase::Running, Cause::Build, {}}; }
Attempt Succeeded(int number) { return {number, Phase::Succeeded, Cause::Build, {}}; }
Attempt Failed(int number, Cause cause, Time finished = kStart) {
  return {number, Phase::Failed, cause, finished};
}

/// Each build's stage and needs.
Graph GraphOf(const std::vector<std::pair<uint32_t, std::vector<uint32_t>>>& builds) {
  Graph graph;
  for (const auto& [stage, needs] : builds) {
    graph.stages.push_back(stage);
    graph.needs.Add(needs);
  }
  return graph;
}

/// Two environments, three images; the first two images need the first environment.
Graph TwoStages() { return GraphOf({{0, {}}, {0, {}}, {1, {0}}, {1, {0}}, {1, {1}}}); }

Policy Parallel(int parallelism) {
  Policy policy;
  policy.parallelism = parallelism;
  return policy;
}

TEST(PlanTest, StartsOnlyWhatIsNeededFirst) {
  Plan plan(TwoStages(), 2, Parallel(10));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(0, 1), IsStart(1, 1)));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre());
  EXPECT_EQ(plan.state(2), State::Waiting);
}

TEST(PlanTest, ASuccessReleasesItsOwnDependentsOnly) {
  Plan plan(TwoStages(), 2, Parallel(10));
  plan.Decide(kStart);
  plan.Observe(0, Succeeded(1));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(2, 1), IsStart(3, 1)));
  EXPECT_EQ(plan.state(4), State::Waiting);
}

TEST(PlanTest, KeepsToParallelismAndCountsWhatItHasJustStarted) {
  Plan plan(TwoStages(), 2, Parallel(1));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(0, 1)));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre());
  plan.Observe(0, Succeeded(1));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(1, 1)));
}

TEST(PlanTest, AHeldBuildKeepsItsPlaceAndMayRunAgain) {
  Plan plan(TwoStages(), 2, Parallel(1));
  plan.Decide(kStart);
  plan.Observe(0, Running(1));
  plan.Observe(0, {1, Phase::Held, Cause::Build, {}});
  EXPECT_EQ(plan.state(0), State::Held);
  EXPECT_EQ(plan.Total()[State::Held], 1);
  EXPECT_EQ(plan.Total()[State::Running], 0);
  EXPECT_THAT(plan.Decide(kStart), ElementsAre()) << "others would be held too";
  EXPECT_FALSE(plan.Finished());
  plan.Observe(0, Running(1));
  EXPECT_EQ(plan.state(0), State::Running);
  plan.Observe(0, {1, Phase::Held, Cause::Build, {}});
  plan.Observe(0, Failed(1, Cause::Build));
  plan.Observe(0, {1, Phase::Held, Cause::Build, {}});
  EXPECT_EQ(plan.state(0), State::Queued) << "it has ended: what is seen of it later changes nothing";
}

TEST(PlanTest, LowerParallelismStartsNothingUntilEnoughHaveEnded) {
  Plan plan(TwoStages(), 2, Parallel(2));
  plan.Decide(kStart);
  plan.SetPolicy(Parallel(1));
  plan.Observe(0, Succeeded(1));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre());
  plan.Observe(1, Succeeded(1));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(2, 1)));
}

TEST(PlanTest, SuspendStartsNothingNew) {
  Policy policy = Parallel(10);
  policy.suspend = true;
  Plan plan(TwoStages(), 2, policy);
  EXPECT_THAT(plan.Decide(kStart), ElementsAre());
  policy.suspend = false;
  plan.SetPolicy(policy);
  EXPECT_EQ(plan.Decide(kStart).size(), 2u);
}

TEST(PlanTest, AFailureIsTriedAgainAfterItsDelay) {
  Plan plan(GraphOf({{0, {}}}), 1, Parallel(1));
  plan.Decide(kStart);
  plan.Observe(0, Failed(1, Cause::Build, kStart));
  EXPECT_THAT(plan.Decide(kStart + seconds(9)), ElementsAre());
  EXPECT_EQ(plan.NextRetry(), kStart + seconds(10));
  EXPECT_THAT(plan.Decide(kStart + seconds(10)), ElementsAre(IsStart(0, 2)));
  EXPECT_EQ(plan.Total().retried, 1);
}

TEST(PlanTest, RetryDelayDoublesUpToSixMinutesAndIsUpToHalfAsLongAgain) {
  EXPECT_EQ(RetryDelay(1, 0), seconds(10));
  EXPECT_EQ(RetryDelay(2, 0), seconds(20));
  EXPECT_EQ(RetryDelay(6, 0), seconds(320));
  EXPECT_EQ(RetryDelay(7, 0), seconds(360));
  EXPECT_EQ(RetryDelay(1000, 0), seconds(360));
  EXPECT_EQ(RetryDelay(1, 1), seconds(15));
  EXPECT_EQ(RetryDelay(1000, 0.5), seconds(450));
}

TEST(PlanTest, ThoseThatFailTogetherDoNotComeBackTogether) {
  constexpr uint32_t kBuilds = 100;
  const auto with_failures = [] {
    Graph graph = GraphOf(std::vector<std::pair<uint32_t, std::vector<uint32_t>>>(kBuilds, {0, {}}));
    for (uint64_t seed = 0; seed < kBuilds; ++seed) graph.seeds.push_back(seed);
    Plan plan(std::move(graph), 1, Parallel(kBuilds));
    for (uint32_t build = 0; build < kBuilds; ++build) plan.Observe(build, Failed(1, Cause::Build));
    return plan;
  };
  Plan plan = with_failures();
  EXPECT_THAT(plan.Decide(kStart + seconds(10) - milliseconds(1)), ElementsAre());
  size_t back = 0;
  for (int half = 1; half <= 10; ++half) {
    const Time now = kStart + seconds(10) + half * milliseconds(500);
    const size_t together = plan.Decide(now).size();
    EXPECT_LE(together, kBuilds / 4);
    back += together;
    Plan other = with_failures();
    EXPECT_EQ(other.Decide(now).size(), back) << "another process decides the same";
  }
  EXPECT_EQ(back, kBuilds);
}

TEST(PlanTest, EachRetryDrawsItsOwnLot) {
  EXPECT_EQ(LotOf(7, 3), LotOf(7, 3));
  EXPECT_NE(LotOf(7, 3), LotOf(7, 4));
  EXPECT_NE(LotOf(7, 3), LotOf(8, 3));
}

struct BudgetCase {
  const char* name;
  std::vector<Cause> failures;
  bool retry_hung;
  State state;
  FailReason reason;
};

class BudgetTest : public testing::TestWithParam<BudgetCase> {};

TEST_P(BudgetTest, EachCauseUsesItsOwn) {
  const BudgetCase& c = GetParam();
  Policy policy = Parallel(1);
  policy.backoff_limit = 1;
  policy.infrastructure_retry_limit = 2;
  policy.retry_hung = {c.retry_hung};
  Plan plan(GraphOf({{0, {}}}), 1, policy);
  int number = 0;
  for (const Cause cause : c.failures) plan.Observe(0, Failed(++number, cause));
  EXPECT_EQ(plan.state(0), c.state);
  EXPECT_EQ(plan.fail_reason(0), c.reason);
  EXPECT_EQ(plan.Finished(), c.state == State::Failed);
}

INSTANTIATE_TEST_SUITE_P(
    Causes, BudgetTest,
    testing::Values(
        BudgetCase{"none", {}, false, State::Queued, FailReason::None},
        BudgetCase{"build_within", {Cause::Build}, false, State::Queued, FailReason::None},
        BudgetCase{"build_over", {Cause::Build, Cause::Build}, false, State::Failed, FailReason::Build},
        BudgetCase{"infrastructure_within",
                   {Cause::Infrastructure, Cause::Infrastructure},
                   false,
                   State::Queued,
                   FailReason::None},
        BudgetCase{"infrastructure_over",
                   {Cause::Infrastructure, Cause::Infrastructure, Cause::Infrastructure},
                   false,
                   State::Failed,
                   FailReason::Infrastructure},
        BudgetCase{"both_within",
                   {Cause::Infrastructure, Cause::Build, Cause::Infrastructure},
                   false,
                   State::Queued,
                   FailReason::None},
        BudgetCase{"hang_fails_at_once", {Cause::Hang}, false, State::Failed, FailReason::Hang},
        BudgetCase{"hang_retried", {Cause::Hang}, true, State::Queued, FailReason::None},
        BudgetCase{"hang_over", {Cause::Hang, Cause::Build}, true, State::Failed, FailReason::Hang}),
    [](const auto& test) { return test.param.name; });

TEST(PlanTest, WhetherAHungBuildIsTriedAgainIsItsStagesOwn) {
  Policy policy = Parallel(2);
  policy.retry_hung = {true, false};
  Plan plan(GraphOf({{0, {}}, {1, {}}, {2, {}}}), 3, policy);
  for (uint32_t build = 0; build < 3; ++build) plan.Observe(build, Failed(1, Cause::Hang));
  EXPECT_EQ(plan.state(0), State::Queued);
  EXPECT_EQ(plan.state(1), State::Failed);
  EXPECT_EQ(plan.state(2), State::Failed) << "a stage that the policy does not name";
}

TEST(PlanTest, AttemptsOfWhichNothingIsLeftCountAsLostToTheInfrastructure) {
  Policy policy = Parallel(1);
  policy.infrastructure_retry_limit = 1;
  policy.backoff_limit = 0;
  Plan plan(GraphOf({{0, {}}}), 1, policy);
  plan.Observe(0, Running(3));  // 1 and 2 were deleted while nobody looked
  EXPECT_EQ(plan.state(0), State::Running);
  plan.Observe(0, Failed(3, Cause::Infrastructure));
  EXPECT_EQ(plan.fail_reason(0), FailReason::Infrastructure);
}

TEST(PlanTest, AFailedNeedFailsItsDependentsWithoutAnAttempt) {
  Policy policy = Parallel(10);
  policy.backoff_limit = 0;
  Plan plan(GraphOf({{0, {}}, {1, {0}}, {2, {1}}}), 3, policy);
  plan.Decide(kStart);
  plan.Observe(0, Failed(1, Cause::Build));
  EXPECT_EQ(plan.fail_reason(1), FailReason::NeedFailed);
  EXPECT_EQ(plan.fail_reason(2), FailReason::NeedFailed);
  EXPECT_TRUE(plan.attempts(2).empty());
  EXPECT_TRUE(plan.Finished());
}

TEST(PlanTest, ARaisedLimitLetsFailedBuildsAndTheirDependentsRunAgain) {
  Policy policy = Parallel(10);
  policy.backoff_limit = 0;
  Plan plan(GraphOf({{0, {}}, {1, {0}}}), 2, policy);
  plan.Observe(0, Failed(1, Cause::Build));
  ASSERT_TRUE(plan.Finished());
  policy.backoff_limit = 1;
  plan.SetPolicy(policy);
  EXPECT_EQ(plan.state(0), State::Queued);
  EXPECT_EQ(plan.state(1), State::Waiting);
}

TEST(PlanTest, ASuccessIsFinal) {
  Plan plan(GraphOf({{0, {}}}), 1, Parallel(1));
  plan.Observe(0, Succeeded(1));
  plan.Observe(0, Failed(1, Cause::Build));
  plan.Observe(0, Failed(2, Cause::Build));
  EXPECT_EQ(plan.state(0), State::Succeeded);
  EXPECT_THAT(plan.Decide(kStart + std::chrono::hours(1)), ElementsAre());
}

TEST(PlanTest, LateNewsOfAnEndedAttemptChangeNothing) {
  Plan plan(GraphOf({{0, {}}}), 1, Parallel(1));
  plan.Observe(0, Failed(1, Cause::Infrastructure));
  plan.Observe(0, Running(1));
  EXPECT_EQ(plan.state(0), State::Queued);
}

TEST(PlanTest, ExpiryFailsWhatIsNotDoneAndLetsWhatRunsEnd) {
  Policy policy = Parallel(1);
  Plan plan(TwoStages(), 2, policy);
  plan.Decide(kStart);
  policy.over = FailReason::Expired;
  plan.SetPolicy(policy);
  EXPECT_EQ(plan.state(0), State::Pending);
  EXPECT_EQ(plan.fail_reason(1), FailReason::Expired);
  EXPECT_FALSE(plan.Finished());
  plan.Observe(0, Failed(1, Cause::Infrastructure));
  EXPECT_TRUE(plan.Finished());
}

TEST(PlanTest, AStageKeepsToItsOwnWidthAndLeavesTheRestToOthers) {
  Policy policy = Parallel(4);
  policy.stage_parallelism = {1, 0};
  Plan plan(GraphOf({{0, {}}, {0, {}}, {1, {}}, {1, {}}, {1, {}}, {1, {}}}), 2, policy);
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(0, 1), IsStart(2, 1), IsStart(3, 1), IsStart(4, 1)));
  EXPECT_EQ(plan.NextRetry(), std::nullopt);
  plan.Observe(2, Succeeded(1));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(5, 1)));
  plan.Observe(3, Succeeded(1));
  EXPECT_EQ(plan.NextRetry(), std::nullopt) << "only the full stage has something left";
  plan.Observe(0, Failed(1, Cause::Build));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(1, 1)));
}

TEST(PlanTest, TheFirstOnesMustSucceedBeforeTheRestStarts) {
  Policy policy = Parallel(10);
  policy.first_builds = 2;
  policy.backoff_limit = 1;
  Plan plan(GraphOf({{0, {}}, {0, {}}, {0, {}}, {0, {}}, {0, {}}}), 1, policy);
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(0, 1), IsStart(1, 1)));
  plan.Observe(0, Succeeded(1));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre());
  EXPECT_EQ(plan.NextRetry(), std::nullopt);
  plan.Observe(1, Failed(1, Cause::Build));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre()) << "it is tried again first";
  EXPECT_THAT(plan.Decide(kStart + seconds(20)), ElementsAre(IsStart(1, 2)));
  plan.Observe(1, Failed(2, Cause::Build));
  EXPECT_THAT(plan.Decide(kStart + seconds(20)), ElementsAre(IsStart(2, 1))) << "in its place";
  plan.Observe(2, Succeeded(1));
  EXPECT_THAT(plan.Decide(kStart + seconds(20)), ElementsAre(IsStart(3, 1), IsStart(4, 1)));
}

TEST(PlanTest, OfARoundTheFirstOnesAreThoseOfThatRound) {
  Policy policy = Parallel(10);
  policy.first_builds = 1;
  policy.backoff_limit = 0;
  Plan plan(GraphOf({{0, {}}, {0, {}}}), 1, policy);
  for (const uint32_t build : {0U, 1U}) plan.Observe(build, Failed(1, Cause::Build));
  for (const uint32_t build : {0U, 1U}) plan.RunAgain(build, 1);
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(0, 2)));
}

TEST(PlanTest, CountsThoseThatFailedThemselves) {
  Policy policy = Parallel(10);
  policy.backoff_limit = 0;
  Plan plan(TwoStages(), 2, policy);
  plan.Observe(0, Failed(1, Cause::Build));
  EXPECT_EQ(plan.failed(), 1) << "not the two that need it";
  policy.over = FailReason::TooManyFailed;
  plan.SetPolicy(policy);
  EXPECT_EQ(plan.failed(), 1);
  EXPECT_EQ(plan.Total()[State::Failed], 5);
  plan.RunAgain(0, 1);
  EXPECT_EQ(plan.failed(), 0);
}

TEST(PlanTest, WhatIsTakenBackWasNeverStarted) {
  Plan plan(TwoStages(), 2, Parallel(1));
  plan.Decide(kStart);
  plan.Retract(0, 1);
  EXPECT_EQ(plan.state(0), State::Queued);
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(0, 1)));
  plan.Observe(0, Running(1));
  plan.Retract(0, 1);
  EXPECT_EQ(plan.state(0), State::Running) << "it has begun";
}

// What is kept from one observation to the next must equal what a new plan makes of all of them, in any
// order.
TEST(PlanTest, IncrementalStateEqualsAFreshPlanInAnyOrder) {
  std::mt19937 random(1);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 300; ++round) {
    Graph graph;
    for (uint32_t i = 0; i < 12; ++i) {
      const uint32_t stage = i / 4;
      std::vector<uint32_t> needs;
      if (stage > 0) {
        for (int k = pick(3); k > 0; --k)
          needs.push_back(static_cast<uint32_t>(pick(static_cast<int>(stage) * 4)));
      }
      graph.stages.push_back(stage);
      graph.needs.Add(needs);
    }
    Policy policy = Parallel(3);
    policy.backoff_limit = pick(2);
    Plan plan(graph, 3, policy);
    Time now = kStart;
    for (int step = 0; step < 60; ++step) {
      now += seconds(pick(30));
      plan.Decide(now);
      const auto build = static_cast<uint32_t>(pick(12));
      if (!plan.attempts(build).empty() && plan.attempts(build).back().phase < Phase::Succeeded) {
        const int number = plan.attempts(build).back().number;
        switch (pick(4)) {
          case 0:
            plan.Observe(build, Running(number));
            break;
          case 1:
            plan.Observe(build, Succeeded(number));
            break;
          case 2:
            plan.Observe(build, Failed(number, Cause::Build, now));
            break;
          default:
            plan.Observe(build, Failed(number, Cause::Infrastructure, now));
            break;
        }
      }
      std::vector<std::pair<uint32_t, Attempt>> all;
      for (uint32_t i = 0; i < plan.size(); ++i) {
        for (const Attempt& attempt : plan.attempts(i)) all.emplace_back(i, attempt);
      }
      std::shuffle(all.begin(), all.end(), random);
      Plan fresh(graph, 3, policy);
      for (const auto& [i, attempt] : all) fresh.Observe(i, attempt);
      for (uint32_t i = 0; i < plan.size(); ++i) {
        ASSERT_EQ(plan.state(i), fresh.state(i)) << "round " << round << " step " << step << " build " << i;
        ASSERT_EQ(plan.fail_reason(i), fresh.fail_reason(i));
      }
      for (size_t stage = 0; stage < 3; ++stage) {
        ASSERT_EQ(plan.counts(stage).by_state, fresh.counts(stage).by_state);
        ASSERT_EQ(plan.counts(stage).retried, fresh.counts(stage).retried);
        ASSERT_EQ(plan.counts(stage).Total(), 4);
      }
      ASSERT_LE(plan.Total()[State::Pending] + plan.Total()[State::Running], 3);
      ASSERT_EQ(plan.Finished(), fresh.Finished());
    }
  }
}

Policy Asking(int parallelism) {
  Policy policy = Parallel(parallelism);
  policy.ask = true;
  return policy;
}

TEST(PlanTest, NothingStartsBeforeItsAnswer) {
  Plan plan(TwoStages(), 2, Asking(10));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre());
  EXPECT_THAT(plan.TakeUnasked(1), ElementsAre(0));
  EXPECT_THAT(plan.TakeUnasked(10), ElementsAre(1));
  EXPECT_THAT(plan.TakeUnasked(10), ElementsAre());
  plan.Answer(1, false);
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(1, 1)));
  EXPECT_TRUE(plan.Unasked(0));
  EXPECT_FALSE(plan.Unasked(1));
}

TEST(PlanTest, WhatExistsIsSkippedAndIsEnoughForItsDependents) {
  Plan plan(TwoStages(), 2, Asking(10));
  plan.Answer(0, true);
  EXPECT_EQ(plan.state(0), State::Skipped);
  EXPECT_EQ(plan.Total()[State::Skipped], 1);
  EXPECT_THAT(plan.TakeUnasked(10), ElementsAre(1, 2, 3));
  for (uint32_t build = 1; build < 5; ++build) plan.Answer(build, true);
  EXPECT_EQ(plan.state(4), State::Skipped);
  EXPECT_TRUE(plan.Finished());
  EXPECT_THAT(plan.Decide(kStart), ElementsAre());
}

TEST(PlanTest, ARetryIsNotAskedAbout) {
  Plan plan(TwoStages(), 2, Asking(10));
  plan.Observe(0, Failed(1, Cause::Build));
  EXPECT_THAT(plan.TakeUnasked(10), ElementsAre(1));
  plan.Answer(0, true);  // too late
  EXPECT_EQ(plan.state(0), State::Queued);
  EXPECT_THAT(plan.Decide(kStart + seconds(10)), ElementsAre(IsStart(0, 2)));
}

TEST(PlanTest, AskingMayBeTurnedOnAndOff) {
  Plan plan(TwoStages(), 2, Asking(10));
  EXPECT_THAT(plan.TakeUnasked(1), ElementsAre(0));
  plan.SetPolicy(Parallel(1));
  EXPECT_THAT(plan.TakeUnasked(10), ElementsAre());
  EXPECT_THAT(plan.Decide(kStart), ElementsAre(IsStart(0, 1)));
  plan.SetPolicy(Asking(10));
  EXPECT_THAT(plan.Decide(kStart), ElementsAre());
  EXPECT_THAT(plan.TakeUnasked(10), ElementsAre(1));
  Policy suspended = Asking(10);
  suspended.suspend = true;
  Plan other(TwoStages(), 2, suspended);
  EXPECT_THAT(other.TakeUnasked(10), ElementsAre());
}

Attempt FailedIn(int round, int number, Cause cause = Cause::Build) {
  return {number, Phase::Failed, cause, kStart, round};
}

TEST(PlanTest, WhatRunsAgainHasItsWholeBudget) {
  Policy policy = Parallel(10);
  policy.backoff_limit = 1;
  Plan plan(GraphOf({{0, {}}}), 1, policy);
  plan.Observe(0, FailedIn(0, 1));
  plan.Observe(0, FailedIn(0, 2));
  ASSERT_EQ(plan.state(0), State::Failed);
  plan.RunAgain(0, 1);
  EXPECT_EQ(plan.state(0), State::Queued);
  const auto starts = plan.Decide(kStart);
  EXPECT_THAT(starts, ElementsAre(IsStart(0, 3))) << "at once";
  EXPECT_EQ(starts[0].round, 1);
  EXPECT_EQ(plan.round(0, 3), 1);
  EXPECT_EQ(plan.round(0, 2), 0);
  plan.Observe(0, Failed(3, Cause::Build));
  EXPECT_EQ(plan.state(0), State::Queued);
  plan.Observe(0, FailedIn(1, 4));
  EXPECT_EQ(plan.state(0), State::Failed);
  plan.RunAgain(0, 1);
  EXPECT_EQ(plan.state(0), State::Failed) << "once for each round";
}

TEST(PlanTest, ANewProcessCountsTheSameWhateverItSeesFirst) {
  const std::vector<Attempt> attempts = {FailedIn(0, 1), FailedIn(0, 2, Cause::Hang), FailedIn(1, 3),
                                         FailedIn(1, 4, Cause::Infrastructure)};
  Policy policy = Parallel(10);
  policy.backoff_limit = 1;
  policy.infrastructure_retry_limit = 1;
  std::vector<size_t> order = {0, 1, 2, 3};
  do {
    Plan plan(GraphOf({{0, {}}}), 1, policy);
    for (const size_t i : order) plan.Observe(0, attempts[i]);
    EXPECT_EQ(plan.state(0), State::Queued) << "one failure of each kind in round 1";
    EXPECT_THAT(plan.Decide(kStart + seconds(20)), ElementsAre(IsStart(0, 5)));
    plan.Observe(0, FailedIn(1, 5));
    EXPECT_EQ(plan.state(0), State::Failed);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(PlanTest, AnAttemptThatDoesNotSayItsRoundIsOfTheOneBefore) {
  Policy policy = Parallel(10);
  policy.infrastructure_retry_limit = 1;
  Plan plan(GraphOf({{0, {}}}), 1, policy);
  plan.Observe(0, FailedIn(1, 2, Cause::Infrastructure));
  EXPECT_EQ(plan.state(0), State::Queued) << "number 1 is unknown, and was of an earlier round";
  plan.Observe(0, FailedIn(0, 3, Cause::Infrastructure));
  EXPECT_EQ(plan.state(0), State::Failed);
}

TEST(PlanTest, ARoundThatBringsANeedBackLetsItsDependentsWait) {
  Policy policy = Parallel(10);
  policy.backoff_limit = 0;
  Plan plan(TwoStages(), 2, policy);
  plan.Observe(0, FailedIn(0, 1));
  ASSERT_EQ(plan.fail_reason(2), FailReason::NeedFailed);
  plan.RunAgain(0, 1);
  EXPECT_EQ(plan.state(0), State::Queued);
  EXPECT_EQ(plan.state(2), State::Waiting);
  plan.Observe(0, Succeeded(2));
  plan.RunAgain(0, 2);
  EXPECT_EQ(plan.state(0), State::Succeeded) << "a success is final";
}

}  // namespace
}  // namespace imagebatch::plan
