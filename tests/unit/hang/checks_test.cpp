#include "hang/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imagebatch::hang {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const TimePoint kStart{seconds(50)};

/// A build that runs for an hour and did its last work, of any kind, `quiet` ago.
Input Build(Duration quiet) {
  Input input;
  input.started = kStart;
  input.now = kStart + minutes(60);
  input.limits = {.idle_after = minutes(5), .deadline = Duration::zero()};
  for (SignalProgress& signal : input.progress.signals) signal = {true, kStart};
  input.progress.signals[static_cast<size_t>(Signal::Io)].last = input.now - quiet;
  return input;
}

TEST(Idle, IsFoundAtTheLimitAndNotBefore) {
  EXPECT_FALSE(CheckIdle(Build(minutes(5) - Duration(1))));
  const auto finding = CheckIdle(Build(minutes(5)));
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->hang_class, Class::Idle);
  EXPECT_EQ(finding->reason, "NoActivity");
  EXPECT_THAT(finding->message, HasSubstr("300 s"));
}

TEST(Idle, ZeroTurnsItOff) {
  Input input = Build(minutes(50));
  input.limits.idle_after = Duration::zero();
  EXPECT_FALSE(CheckIdle(input));
}

TEST(Idle, IsNotSaidWithoutSeeingTheCpu) {
  Input input = Build(minutes(50));
  input.progress.signals[static_cast<size_t>(Signal::Cpu)].watched = false;
  EXPECT_FALSE(CheckIdle(input));
}

TEST(Idle, AnySignalKeepsItAway) {
  for (Signal signal : kAllSignals) {
    Input input = Build(minutes(50));
    input.progress.signals[static_cast<size_t>(signal)].last = input.now - seconds(10);
    EXPECT_FALSE(CheckIdle(input)) << Key(signal);
  }
}

TEST(Idle, NamesTheSignalsThatCannotBeSeen) {
  Input input = Build(minutes(6));
  EXPECT_THAT(CheckIdle(input)->message, Not(HasSubstr("not watched")));
  input.progress.signals[static_cast<size_t>(Signal::Network)].watched = false;
  EXPECT_THAT(CheckIdle(input)->message, HasSubstr("not watched here: network traffic"));
  EXPECT_LE(CheckIdle(input)->message.size(), 250U);
}

TEST(Deadline, CountsFromTheStartWhateverTheBuildDoes) {
  Input input = Build(Duration::zero());
  input.limits.deadline = minutes(60) + Duration(1);
  EXPECT_FALSE(CheckDeadline(input));
  input.limits.deadline = minutes(60);
  const auto finding = CheckDeadline(input);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->hang_class, Class::Deadline);
  EXPECT_THAT(finding->message, HasSubstr("3600 s"));
}

TEST(Deadline, ZeroTurnsItOff) { EXPECT_FALSE(CheckDeadline(Build(Duration::zero()))); }

TEST(Judge, TheCheckThatSaysMoreDecides) {
  Input input = Build(minutes(10));
  input.limits.deadline = minutes(30);
  EXPECT_EQ(Judge(input)->hang_class, Class::Idle);
  input.limits.idle_after = minutes(20);
  EXPECT_EQ(Judge(input)->hang_class, Class::Deadline);
  input.limits.deadline = minutes(90);
  EXPECT_FALSE(Judge(input));
}

Finding Found(Class hang_class, const char* message) { return {hang_class, "Reason", message}; }

TEST(Verdict, KeepsItsTimeUntilTheClassChanges) {
  const Verdict fine{std::nullopt, kStart};
  const Verdict idle = Next(fine, Found(Class::Idle, "for 300 s"), kStart + seconds(300));
  EXPECT_TRUE(Changed(fine, idle));
  EXPECT_EQ(idle.since, kStart + seconds(300));

  const Verdict still = Next(idle, Found(Class::Idle, "for 302 s"), kStart + seconds(302));
  EXPECT_FALSE(Changed(idle, still));
  EXPECT_EQ(still.since, kStart + seconds(300));
  EXPECT_EQ(still.finding->message, "for 302 s");

  const Verdict late = Next(still, Found(Class::Deadline, ""), kStart + seconds(400));
  EXPECT_TRUE(Changed(still, late));
  EXPECT_EQ(late.since, kStart + seconds(400));
}

TEST(Verdict, ClearsByItself) {
  const Verdict idle{Found(Class::Idle, ""), kStart};
  const Verdict fine = Next(idle, std::nullopt, kStart + seconds(7));
  EXPECT_TRUE(Changed(idle, fine));
  EXPECT_FALSE(fine.Hung());
  EXPECT_EQ(fine.since, kStart + seconds(7));
  EXPECT_FALSE(Changed(fine, Next(fine, std::nullopt, kStart + seconds(9))));
}

}  // namespace
}  // namespace imagebatch::hang
