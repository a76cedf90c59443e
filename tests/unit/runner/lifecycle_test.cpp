#include "runner/lifecycle.h"

#include <gmock/gmock.h>

namespace imagebatch::runner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Order = Lifecycle::Order;
using Stage = Lifecycle::Stage;
using testing::ElementsAre;
using testing::IsEmpty;

class LifecycleTest : public testing::Test {
 protected:
  /// The orders of this moment.
  std::vector<Order> Due(bool output_held = true) {
    std::vector<Order> orders;
    for (Order order; (order = life_.Due(now_, output_held)) != Order::None;) {
      orders.push_back(order);
      EXPECT_LT(orders.size(), 5U) << "it does not come to rest";
    }
    return orders;
  }
  /// What is due once its own timer has fired, `most` later at the latest.
  std::vector<Order> DueNext(hang::Duration after) {
    EXPECT_EQ(life_.Next(), now_ + after);
    EXPECT_THAT(Due(), IsEmpty()) << "not yet";
    now_ += after;
    return Due();
  }

  hang::TimePoint now_{std::chrono::hours(1)};
  Lifecycle life_{seconds(10)};
};

TEST_F(LifecycleTest, ACommandThatEndsAndLeavesNobodyIsOver) {
  EXPECT_THAT(Due(), IsEmpty());
  EXPECT_EQ(life_.Next(), std::nullopt);
  life_.OnCommandEnded(now_);
  life_.OnNobodyLeft();
  EXPECT_FALSE(life_.Over(now_, false)) << "its output is yet to be passed on";
  EXPECT_TRUE(life_.Over(now_, true));
  EXPECT_THAT(Due(), IsEmpty());
  EXPECT_EQ(life_.Next(), std::nullopt);
}

TEST_F(LifecycleTest, WhatHoldsTheOutputHasItsGraceTwice) {
  life_.OnCommandEnded(now_);
  EXPECT_EQ(life_.stage(), Stage::Leftovers);
  EXPECT_THAT(DueNext(seconds(10)), ElementsAre(Order::Terminate));
  EXPECT_THAT(DueNext(seconds(10)), ElementsAre(Order::Kill));
  EXPECT_THAT(DueNext(milliseconds(50)), ElementsAre(Order::Kill)) << "processes may be born meanwhile";
  EXPECT_FALSE(life_.Over(now_, true));
  life_.OnNobodyLeft();
  EXPECT_TRUE(life_.Over(now_, true));
}

TEST_F(LifecycleTest, WhatIsLeftWithoutTheOutputIsEndedAtOnce) {
  life_.OnCommandEnded(now_);
  EXPECT_THAT(Due(false), ElementsAre(Order::Terminate));
}

TEST_F(LifecycleTest, AHungCommandIsEndedOnceItsStacksHaveBeenPrinted) {
  life_.OnHung(now_);
  life_.WaitForStacks(now_ + seconds(2));
  EXPECT_EQ(life_.stage(), Stage::Asking);
  EXPECT_TRUE(life_.hung());
  EXPECT_THAT(DueNext(seconds(2)), ElementsAre(Order::Terminate));
  EXPECT_THAT(DueNext(seconds(10)), ElementsAre(Order::Kill));
}

TEST_F(LifecycleTest, AHungCommandWithoutStacksIsEndedAtOnce) {
  life_.OnHung(now_);
  EXPECT_THAT(Due(), ElementsAre(Order::Terminate));
}

TEST_F(LifecycleTest, AHungCommandThatEndsByItsStacksLeavesNobodyWaiting) {
  life_.OnHung(now_);
  life_.WaitForStacks(now_ + seconds(2));
  life_.OnCommandEnded(now_);
  EXPECT_THAT(DueNext(seconds(2)), ElementsAre(Order::Terminate)) << "not after a further grace";
}

TEST_F(LifecycleTest, FromASigtermOnThereIsOneGraceForAll) {
  life_.OnTerminate(now_);
  now_ += seconds(4);
  life_.OnTerminate(now_);  // a second one gives no more time
  EXPECT_EQ(life_.stage(), Stage::Running);
  life_.OnHung(now_);
  EXPECT_THAT(Due(), ElementsAre(Order::Terminate));
  EXPECT_THAT(DueNext(seconds(6)), ElementsAre(Order::Kill));
}

TEST_F(LifecycleTest, ACommandThatEndsAfterASigtermLeavesNobodyAGraceOfItsOwn) {
  life_.OnTerminate(now_);
  now_ += seconds(4);
  life_.OnCommandEnded(now_);
  EXPECT_THAT(Due(), ElementsAre(Order::Terminate));
  EXPECT_THAT(DueNext(seconds(6)), ElementsAre(Order::Kill));
}

TEST_F(LifecycleTest, AnEndingSignalEndsWhatTheCommandHasLeft) {
  life_.OnEndingSignal(now_);
  EXPECT_THAT(Due(), IsEmpty()) << "the command itself gets the signal";
  life_.OnCommandEnded(now_);
  life_.OnEndingSignal(now_);
  EXPECT_THAT(Due(), ElementsAre(Order::Terminate));
}

TEST_F(LifecycleTest, WithoutItsGuardAllIsKilledAtOnce) {
  life_.OnGuardGone(now_);
  EXPECT_THAT(Due(), ElementsAre(Order::Kill));
}

TEST_F(LifecycleTest, WithAGraceOfNothingBothComeAtOnce) {
  Lifecycle life{hang::Duration(0)};
  life.OnHung(now_);
  EXPECT_EQ(life.Due(now_, true), Order::Terminate);
  EXPECT_EQ(life.Due(now_, true), Order::Kill);
  EXPECT_EQ(life.Due(now_, true), Order::None);
}

TEST_F(LifecycleTest, WhatDoesNotDieIsGivenUpAfterTenSecondsOfTrying) {
  life_.OnGuardGone(now_);
  const hang::TimePoint end = now_ + seconds(10);
  for (; now_ < end; now_ += milliseconds(50)) {
    EXPECT_FALSE(life_.Over(now_, true));
    EXPECT_THAT(Due(), ElementsAre(Order::Kill));
  }
  EXPECT_TRUE(life_.Over(now_, false));
}

TEST_F(LifecycleTest, AnotherWayToEndTakesNothingBack) {
  life_.OnCommandEnded(now_);
  EXPECT_THAT(DueNext(seconds(10)), ElementsAre(Order::Terminate));
  life_.OnEndingSignal(now_);
  EXPECT_THAT(Due(), IsEmpty()) << "it has been told";
  life_.OnGuardGone(now_);
  EXPECT_THAT(Due(), ElementsAre(Order::Kill));
  EXPECT_EQ(life_.stage(), Stage::Killing);
}

}  // namespace
}  // namespace imagebatch::runner
