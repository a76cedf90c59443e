#include "hang/needed_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hang/wait_words.h"

namespace imagebatch::hang {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr int kCommand = 2;

WaitingProcess Dead(int pid) { return {.pid = pid, .waits = {{WaitFor::OwnLock, {pid}, ""}}}; }

WaitingProcess DeadParent(int pid, int child) {
  return {.pid = pid, .waits = {{WaitFor::Children, {child}, ""}}};
}

LivingProcess Awaits(int pid, std::vector<std::vector<int>> whom) {
  return {.pid = pid, .awaits = std::move(whom)};
}

LivingProcess LimitAhead(LivingProcess process) {
  process.limit_ahead = true;
  return process;
}

LivingProcess Sleeper(int pid) { return {.pid = pid, .sleeps = true}; }

std::vector<int> Pids(const std::vector<WaitingProcess>& processes) {
  std::vector<int> pids;
  for (const WaitingProcess& process : processes) pids.push_back(process.pid);
  return pids;
}

std::vector<int> Needed(std::vector<WaitingProcess> dead, const std::vector<LivingProcess>& living) {
  return Pids(Divide(kCommand, std::move(dead), living).needed);
}

TEST(NeededPart, TheCommandIsInIt) {
  EXPECT_THAT(Needed({Dead(kCommand)}, {}), ElementsAre(kCommand));
  EXPECT_THAT(Needed({DeadParent(kCommand, 3), Dead(3)}, {}), UnorderedElementsAre(kCommand, 3));
}

TEST(NeededPart, TheCommandWaitsForIt) {
  EXPECT_THAT(Needed({Dead(3)}, {Awaits(kCommand, {{3}})}), ElementsAre(3));
  EXPECT_THAT(Needed({Dead(5)}, {Awaits(kCommand, {{3}}), Awaits(3, {{9}, {4}}), Awaits(4, {{5}})}),
              ElementsAre(5));
}

TEST(NeededPart, SomebodyOnTheWayDoesNotWait) {
  EXPECT_THAT(Needed({Dead(4)}, {Awaits(kCommand, {{3}}), Awaits(3, {})}), IsEmpty());
  EXPECT_THAT(Needed({Dead(4)}, {Awaits(kCommand, {}), Awaits(3, {{4}})}), IsEmpty());
}

TEST(NeededPart, AnotherCouldGiveWhatIsWaitedFor) {
  EXPECT_THAT(Needed({Dead(4)}, {Awaits(kCommand, {{4, 5}}), Awaits(5, {})}), IsEmpty());
  EXPECT_THAT(Needed({Dead(4), Dead(5)}, {Awaits(kCommand, {{4, 5}})}), ElementsAre(4, 5));
  EXPECT_THAT(Needed({Dead(4)}, {Awaits(kCommand, {{}})}), IsEmpty()) << "nobody that we can see";
}

TEST(NeededPart, ALimitThatIsAheadMayEndIt) {
  EXPECT_THAT(Needed({Dead(4)}, {LimitAhead(Awaits(kCommand, {{4}}))}), IsEmpty());
  EXPECT_THAT(Needed({Dead(4)}, {Awaits(kCommand, {{3}}), LimitAhead(Awaits(3, {{4}}))}), IsEmpty());
  EXPECT_THAT(Needed({Dead(4)}, {Awaits(kCommand, {{4}}), LimitAhead(Awaits(9, {}))}), ElementsAre(4))
      << "not on the way";
}

TEST(NeededPart, ASleeperMayEndIt) {
  EXPECT_THAT(Needed({Dead(4)}, {Awaits(kCommand, {{4}}), Sleeper(5)}), IsEmpty());
  EXPECT_THAT(Needed({DeadParent(kCommand, 4), Dead(4)}, {Sleeper(5)}), IsEmpty());
  EXPECT_THAT(Needed({Dead(kCommand)}, {Sleeper(5)}), ElementsAre(kCommand))
      << "that would be the build's end";
}

TEST(NeededPart, LeftoversDoNotBelongToIt) {
  const DividedPart part = Divide(kCommand, {DeadParent(kCommand, 3), Dead(3), Dead(7), Dead(8)}, {});
  EXPECT_THAT(Pids(part.needed), UnorderedElementsAre(kCommand, 3));
  EXPECT_THAT(Pids(part.others), ElementsAre(7, 8));
  EXPECT_FALSE(part.others_awaited);
  EXPECT_EQ(NotNeeded(part), "2 leftover processes are dead: pid 7 waits for a lock only it could release");
}

TEST(NeededPart, WhoIsAwaitedIsNoLeftover) {
  const DividedPart part = Divide(kCommand, {Dead(4)}, {LimitAhead(Awaits(kCommand, {{4}}))});
  EXPECT_TRUE(part.others_awaited);
  EXPECT_EQ(
      NotNeeded(part),
      "1 process is dead, but the build may not need it, or a time limit may end it: pid 4 waits for a lock "
      "only it could release");
  EXPECT_EQ(NotNeeded(Divide(kCommand, {}, {})), "");
}

TEST(RunOutLimits, HoldForAMoment) {
  RunOutLimits limits;
  const TimePoint start{std::chrono::hours(1)};
  const auto at = [&](int ms) { return start + Duration(ms); };
  const auto ahead = [&](int ms, LivingProcess process) {
    std::vector<LivingProcess> living = {std::move(process)};
    limits.Hold(at(ms), living);
    return living.front().limit_ahead;
  };
  EXPECT_FALSE(ahead(0, Awaits(3, {{4}})));
  EXPECT_TRUE(ahead(1000, LimitAhead(Awaits(3, {{4}}))));
  EXPECT_TRUE(ahead(1200, Awaits(3, {{4}}))) << "it is just about to end what it waits for";
  EXPECT_TRUE(ahead(2600, Awaits(3, {{4}})));
  EXPECT_FALSE(ahead(2700, Awaits(3, {{4}}))) << "and has not";
  EXPECT_FALSE(ahead(9000, Awaits(3, {{4}})));
  EXPECT_TRUE(ahead(10000, LimitAhead(Awaits(3, {{4}}))));
  EXPECT_TRUE(ahead(60000, Awaits(3, {{4}}))) << "one reading, however rare they are";
  EXPECT_FALSE(ahead(62000, Awaits(3, {{4}})));
}

TEST(RunOutLimits, WhoSleptAndIsGoneMayBeAboutToEndIt) {
  RunOutLimits limits;
  const TimePoint start{std::chrono::hours(1)};
  std::vector<LivingProcess> living = {Awaits(kCommand, {{3}}), Sleeper(5)};
  limits.Hold(start, living);
  living = {Awaits(kCommand, {{3}})};  // the shell around the sleep is at work
  limits.Hold(start + Duration(200), living);
  EXPECT_THAT(Needed({Dead(3)}, living), IsEmpty());
  living = {Awaits(kCommand, {{3}})};
  limits.Hold(start + Duration(1700), living);
  EXPECT_THAT(Needed({Dead(3)}, living), ElementsAre(3));
}

}  // namespace
}  // namespace imagebatch::hang
