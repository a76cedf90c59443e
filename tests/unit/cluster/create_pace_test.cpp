#include "cluster/control/create_pace.h"

#include <gmock/gmock.h>

namespace imagebatch::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Sign = CreatePace::Sign;

class CreatePaceTest : public testing::Test {
 protected:
  void Wait(int count, size_t stage = 0) {
    for (int i = 0; i < count; ++i)
      pace_.Wait(std::to_string(stage) + "/" + std::to_string(waited_++), stage);
  }
  std::vector<std::string> Take() { return pace_.Take(now_); }
  void Answer(Sign sign, size_t times = 1) {
    for (size_t i = 0; i < times; ++i) pace_.Answered(sign, now_);
  }

  CreatePace pace_;
  SteadyTime now_{std::chrono::hours(1)};
  int waited_ = 0;
};

TEST_F(CreatePaceTest, ItBeginsWithOneAndDoublesUpToTheMost) {
  Wait(1000);
  for (const size_t round : std::vector<size_t>{1, 2, 4, 8, 16, 32, 64, 100, 100}) {
    const auto taken = Take();
    EXPECT_THAT(taken, SizeIs(round));
    EXPECT_THAT(Take(), IsEmpty()) << "they are under way";
    Answer(Sign::Works, taken.size());
  }
  EXPECT_EQ(pace_.Next(), std::nullopt) << "time alone brings nothing";
}

TEST_F(CreatePaceTest, AQuotaIsProbedByOneAtLongerAndLongerIntervals) {
  Wait(500);
  EXPECT_THAT(Take(), SizeIs(1));
  Answer(Sign::Quota);
  EXPECT_TRUE(pace_.held());
  std::vector<int64_t> sent;
  for (const SteadyTime end = now_ + minutes(3); now_ < end; now_ += milliseconds(500)) {
    const auto taken = Take();
    if (taken.empty()) continue;
    EXPECT_THAT(taken, SizeIs(1));
    sent.push_back(std::chrono::duration_cast<seconds>(now_ - SteadyTime(std::chrono::hours(1))).count());
    Answer(Sign::Quota);
  }
  EXPECT_THAT(sent, ElementsAre(1, 3, 7, 15, 31, 61, 91, 121, 151));
  now_ = *pace_.Next();
  EXPECT_THAT(Take(), SizeIs(1));
  Answer(Sign::Works);
  EXPECT_FALSE(pace_.held());
  EXPECT_THAT(Take(), SizeIs(2)) << "it starts slowly again";
  Answer(Sign::Quota, 2);
  EXPECT_EQ(pace_.Next(), now_ + seconds(1)) << "two that were refused together are one refusal";
}

TEST_F(CreatePaceTest, AnyOtherRefusalHoldsTheOthersBackForAMoment) {
  Wait(10);
  EXPECT_THAT(Take(), SizeIs(1));
  for (int i = 0; i < 5; ++i) {
    Answer(Sign::Fails);
    EXPECT_FALSE(pace_.held());
    EXPECT_THAT(Take(), IsEmpty());
    EXPECT_EQ(pace_.Next(), now_ + seconds(1));
    now_ += seconds(1);
    EXPECT_THAT(Take(), SizeIs(1));
  }
}

TEST_F(CreatePaceTest, WhatWasSentBeforeARefusalSaysNothingOfTheTimeAfterIt) {
  Wait(10);
  Take();
  Answer(Sign::Works);
  EXPECT_THAT(Take(), SizeIs(2));
  Answer(Sign::Quota);
  now_ += minutes(1);
  EXPECT_THAT(Take(), IsEmpty()) << "one of before is under way";
  EXPECT_EQ(pace_.Next(), std::nullopt);
  Answer(Sign::Works);
  EXPECT_TRUE(pace_.held());
  EXPECT_THAT(Take(), SizeIs(1)) << "the probe";
}

TEST_F(CreatePaceTest, ANameThatIsTakenSaysNothing) {
  Wait(10);
  Take();
  Answer(Sign::None);
  EXPECT_THAT(Take(), SizeIs(1));
  Answer(Sign::Quota);
  now_ += seconds(1);
  Take();
  Answer(Sign::None);
  EXPECT_TRUE(pace_.held());
  EXPECT_THAT(Take(), SizeIs(1)) << "the next is the probe";
}

TEST_F(CreatePaceTest, FirstComeFirstServed) {
  pace_.Wait("b", 0);
  pace_.Wait("a", 0);
  pace_.Wait("b", 0);
  pace_.Leave("c");
  EXPECT_THAT(pace_.Waiting(), ElementsAre("b", "a"));
  EXPECT_THAT(Take(), ElementsAre("b"));
  Answer(Sign::Works);
  pace_.Wait("b", 0);
  EXPECT_THAT(Take(), ElementsAre("a", "b"));
}

TEST_F(CreatePaceTest, WhatLeavesIsNotServed) {
  pace_.Wait("a", 0);
  pace_.Wait("b", 0);
  pace_.Leave("a");
  EXPECT_THAT(Take(), ElementsAre("b"));
}

TEST_F(CreatePaceTest, AStageThatIsRefusedHoldsBackNoOtherThatFits) {
  Wait(1000, 0);
  Wait(2, 3);
  EXPECT_THAT(Take(), ElementsAre("0/0"));
  Answer(Sign::Quota);
  pace_.Wait("0/0", 0);
  now_ += seconds(1);
  EXPECT_THAT(Take(), ElementsAre("3/1000"));
  Answer(Sign::Works);
  EXPECT_THAT(Take(), ElementsAre("3/1001", "0/1"));
  Answer(Sign::Quota, 2);
  now_ += seconds(1);
  EXPECT_THAT(Take(), ElementsAre("0/2")) << "the last stage's turn is followed by the first's";
}

TEST_F(CreatePaceTest, NobodysTurnComesWhileNoneMayBeCreated) {
  Wait(2);
  pace_.Allow(false);
  EXPECT_THAT(Take(), IsEmpty());
  EXPECT_EQ(pace_.Next(), std::nullopt);
  pace_.Allow(true);
  EXPECT_THAT(Take(), SizeIs(1));
  Answer(Sign::Quota);
  pace_.Allow(false);
  EXPECT_EQ(pace_.Next(), std::nullopt);
}

}  // namespace
}  // namespace imagebatch::cluster
