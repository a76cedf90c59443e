#include "hang/dead_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imagebatch::hang {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

TimePoint At(int second) { return TimePoint(seconds(second)); }

WaitingProcess Locked(int pid, uint64_t picture) {
  return {.pid = pid, .picture = picture, .waits = {{WaitFor::OwnLock, {pid}, ""}}};
}

WaitingProcess Parent(int pid, uint64_t picture, int child) {
  return {.pid = pid, .picture = picture, .waits = {{WaitFor::Children, {child}, ""}}};
}

std::vector<int> Stood(const DeadPartTracker& tracker, int length) {
  std::vector<int> pids;
  for (const WaitingProcess& process : tracker.StoodFor(seconds(length))) pids.push_back(process.pid);
  return pids;
}

TEST(DeadPartTracker, ItMustHaveStoodAllTheTime) {
  DeadPartTracker tracker;
  EXPECT_THAT(Stood(tracker, 0), IsEmpty());
  tracker.Add(At(10), {Locked(7, 1)});
  EXPECT_THAT(Stood(tracker, 1), IsEmpty()) << "one reading proves nothing, however long ago";
  tracker.Add(At(20), {Locked(7, 1)});
  EXPECT_THAT(Stood(tracker, 11), IsEmpty());
  EXPECT_THAT(Stood(tracker, 10), ElementsAre(7));
}

TEST(DeadPartTracker, AThreadThatRanBeginsAnew) {
  DeadPartTracker tracker;
  tracker.Add(At(10), {Locked(7, 1)});
  tracker.Add(At(20), {Locked(7, 2)});
  EXPECT_THAT(Stood(tracker, 1), IsEmpty());
  tracker.Add(At(30), {Locked(7, 2)});
  EXPECT_THAT(Stood(tracker, 11), IsEmpty());
  EXPECT_THAT(Stood(tracker, 10), ElementsAre(7));
}

TEST(DeadPartTracker, SoDoesOneThatWasAliveInBetween) {
  DeadPartTracker tracker;
  tracker.Add(At(10), {Locked(7, 1)});
  tracker.Add(At(20), {});
  EXPECT_THAT(Stood(tracker, 0), IsEmpty());
  tracker.Add(At(30), {Locked(7, 1)});
  EXPECT_THAT(Stood(tracker, 1), IsEmpty());
  tracker.Clear();
  EXPECT_THAT(Stood(tracker, 0), IsEmpty());
  tracker.Add(At(40), {Locked(7, 1)});
  EXPECT_THAT(Stood(tracker, 1), IsEmpty());
}

TEST(DeadPartTracker, ANewcomerDoesNotDelayTheOthers) {
  DeadPartTracker tracker;
  tracker.Add(At(10), {Locked(7, 1)});
  tracker.Add(At(20), {Locked(7, 1), Locked(8, 1)});
  EXPECT_THAT(Stood(tracker, 10), ElementsAre(7));
  EXPECT_THAT(Stood(tracker, 0), ElementsAre(7, 8));
}

TEST(DeadPartTracker, WhoWaitsForANewcomerIsNotYetProved) {
  DeadPartTracker tracker;
  tracker.Add(At(10), {Parent(6, 1, 7), Locked(7, 1)});
  tracker.Add(At(20), {Parent(6, 1, 7), Locked(7, 2)});
  EXPECT_THAT(Stood(tracker, 10), IsEmpty()) << "7 ran after 6 was seen to wait for it";
}

TEST(DeadPartTracker, TheReadingsFitIntoTheQuietTime) {
  const Duration after = seconds(30);
  EXPECT_LE(ReadingPeriod(after) + StandingTime(after), after);
}

TEST(NextReading, CostsASmallShareOfACore) {
  const Duration after = seconds(30);
  EXPECT_EQ(NextReading(At(1), after, milliseconds(1), At(28)), At(1) + ReadingPeriod(after));
  EXPECT_EQ(NextReading(At(1), after, milliseconds(100), At(28)), At(21));
}

TEST(NextReading, IsDueWhenTheLimitIsReachedWhateverItCosts) {
  EXPECT_EQ(NextReading(At(1), seconds(30), seconds(1), At(28)), At(28));
  EXPECT_EQ(NextReading(At(28), seconds(30), seconds(1), At(28)), At(228)) << "but only once";
}

}  // namespace
}  // namespace imagebatch::hang
