#include "kube/list_watch.h"

#include <gmock/gmock.h>

#include <set>

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Kind = ListWatch::Step::Kind;

class ListWatchTest : public ::testing::Test {
 protected:
  /// Lists one page and opens a watch.
  void BeginWatch(const std::string& version = "100") {
    ASSERT_EQ(machine_.Next().kind, Kind::List);
    ASSERT_TRUE(machine_.OnPage(version, ""));
    OpenWatch();
  }
  void OpenWatch() {
    const auto step = machine_.Next();
    ASSERT_EQ(step.kind, Kind::Watch);
    now_ = std::max(now_, step.not_before);
    machine_.OnOpen(now_);
  }
  Duration Delay() { return std::chrono::ceil<Duration>(std::max(machine_.Next().not_before, now_) - now_); }

  SteadyTime now_ = SteadyTime(1000s);
  ListWatch machine_{500, {500ms, 30s}, 1};
};

TEST_F(ListWatchTest, ListsPageByPageAndWatchesFromTheList) {
  auto step = machine_.Next();
  EXPECT_EQ(step.kind, Kind::List);
  EXPECT_EQ(step.query, "limit=500");
  EXPECT_TRUE(step.first_page);
  EXPECT_FALSE(machine_.OnPage("90", "a+b="));

  step = machine_.Next();
  EXPECT_EQ(step.query, "limit=500&continue=a%2Bb%3D");
  EXPECT_FALSE(step.first_page);
  EXPECT_TRUE(machine_.OnPage("100", ""));

  step = machine_.Next();
  EXPECT_EQ(step.kind, Kind::Watch);
  EXPECT_THAT(step.query, HasSubstr("watch=true"));
  EXPECT_THAT(step.query, HasSubstr("&allowWatchBookmarks=true"));
  EXPECT_THAT(step.query, HasSubstr("&resourceVersion=100"));
}

TEST_F(ListWatchTest, AsksForWatchesOfRandomLength) {
  BeginWatch();
  std::set<int> lengths;
  for (int i = 0; i < 50; ++i) {
    const std::string query = machine_.Next().query;
    lengths.insert(std::stoi(query.substr(query.find("timeoutSeconds=") + 15)));
  }
  EXPECT_GT(lengths.size(), 10U);
  EXPECT_GE(*lengths.begin(), 240);
  EXPECT_LE(*lengths.rbegin(), 300);
}

TEST_F(ListWatchTest, ContinuesFromTheLastVersionAtOnceWhenTheStreamEnds) {
  BeginWatch();
  machine_.OnProgress("105");
  machine_.OnProgress("");  // an object without a version changes nothing
  machine_.OnEnd(RestartReason::Ended, now_ += 1s);
  EXPECT_THAT(machine_.Next().query, HasSubstr("resourceVersion=105"));
  EXPECT_EQ(Delay(), 0ms);
}

TEST_F(ListWatchTest, ASilentWatchThatLastedHasWorked) {
  BeginWatch();
  machine_.OnEnd(RestartReason::Ended, now_ += 270s);
  EXPECT_EQ(Delay(), 0ms);
}

TEST_F(ListWatchTest, WatchesThatEndAtOnceAreSpacedOut) {
  BeginWatch();
  Duration total{};
  for (int i = 0; i < 20; ++i) {
    machine_.OnEnd(RestartReason::Ended, now_);
    total += Delay();
    OpenWatch();
  }
  EXPECT_GT(total, 30s);
}

TEST_F(ListWatchTest, AnIdleWatchContinuesAtOnce) {
  BeginWatch();
  machine_.OnProgress("105");
  machine_.OnEnd(RestartReason::Idle, now_ += 90s);
  EXPECT_THAT(machine_.Next().query, HasSubstr("resourceVersion=105"));
  EXPECT_EQ(Delay(), 0ms);
}

TEST_F(ListWatchTest, GoneListsAgainAtOnceTheFirstTime) {
  BeginWatch();
  machine_.OnEnd(RestartReason::Gone, now_ += 60s);
  const auto step = machine_.Next();
  EXPECT_EQ(step.kind, Kind::List);
  EXPECT_TRUE(step.first_page);
  EXPECT_EQ(step.query, "limit=500");
  EXPECT_EQ(Delay(), 0ms);
}

TEST_F(ListWatchTest, GoneAgainAndAgainIsSpacedOutThoughEachListSucceeds) {
  Duration total{};
  for (int i = 0; i < 20; ++i) {
    BeginWatch();
    machine_.OnEnd(RestartReason::Gone, now_);
    total += Delay();
    now_ = std::max(now_, machine_.Next().not_before);
  }
  EXPECT_GT(total, 30s);
}

TEST_F(ListWatchTest, AContinueTokenThatIsGoneBeginsTheListAgain) {
  EXPECT_FALSE(machine_.OnPage("90", "token"));
  machine_.OnEnd(RestartReason::Gone, now_);
  EXPECT_TRUE(machine_.Next().first_page);
  EXPECT_EQ(machine_.Next().query, "limit=500");
}

TEST_F(ListWatchTest, AFailedPageIsAskedForAgain) {
  EXPECT_FALSE(machine_.OnPage("90", "token"));
  machine_.OnEnd(RestartReason::Failed, now_);
  EXPECT_EQ(machine_.Next().query, "limit=500&continue=token");
}

TEST_F(ListWatchTest, AFailedWatchContinuesFromTheLastVersion) {
  BeginWatch();
  machine_.OnProgress("105");
  machine_.OnEnd(RestartReason::Failed, now_);
  EXPECT_THAT(machine_.Next().query, HasSubstr("resourceVersion=105"));
}

TEST_F(ListWatchTest, AStreamThatCannotBeReadListsAgain) {
  BeginWatch();
  machine_.OnEnd(RestartReason::Broken, now_);
  EXPECT_EQ(machine_.Next().kind, Kind::List);
}

TEST_F(ListWatchTest, FailuresBackOffWithFullJitterUpToTheLongest) {
  Duration longest{};
  Duration ceiling = 500ms;
  for (int i = 0; i < 200; ++i) {
    machine_.OnEnd(RestartReason::Failed, now_);
    EXPECT_LE(Delay(), ceiling) << i;
    longest = std::max(longest, Delay());
    ceiling = std::min<Duration>(2 * ceiling, 30s);
  }
  EXPECT_GT(longest, 25s);
}

TEST_F(ListWatchTest, ProgressForgivesEarlierFailures) {
  for (int i = 0; i < 10; ++i) machine_.OnEnd(RestartReason::Failed, now_);
  BeginWatch();
  machine_.OnProgress("101");
  machine_.OnEnd(RestartReason::Failed, now_);
  EXPECT_LE(Delay(), 500ms);
}

TEST_F(ListWatchTest, ObeysRetryAfter) {
  machine_.OnEnd(RestartReason::Failed, now_, 7s);
  EXPECT_EQ(Delay(), 7s);
}

TEST_F(ListWatchTest, AnAbsurdRetryAfterIsCapped) {
  BeginWatch();
  machine_.OnEnd(RestartReason::Failed, now_, std::chrono::hours(24));
  EXPECT_LE(Delay(), 60s);
  EXPECT_GE(Delay(), 60s);
}

TEST_F(ListWatchTest, APageThatIsTooMuchIsHalvedAndGoesOnWhereItStopped) {
  EXPECT_FALSE(machine_.OnPage("90", "next"));
  for (const int page : {250, 125, 62, 31, 15, 8, 8}) {
    machine_.OnPageTooLarge();
    machine_.OnEnd(RestartReason::Failed, now_);
    EXPECT_EQ(machine_.Next().query, "limit=" + std::to_string(page) + "&continue=next");
  }
}

TEST_F(ListWatchTest, EachWholeListDoublesTheHalvedPageAgain) {
  for (int i = 0; i < 10; ++i) machine_.OnPageTooLarge();
  for (const int page : {8, 16, 32, 64, 128, 256, 500, 500}) {
    EXPECT_EQ(machine_.Next().query, "limit=" + std::to_string(page));
    EXPECT_FALSE(machine_.OnPage("90", "next"));
    EXPECT_EQ(machine_.Next().query, "limit=" + std::to_string(page) + "&continue=next");
    EXPECT_TRUE(machine_.OnPage("100", ""));
    OpenWatch();
    machine_.OnEnd(RestartReason::Gone, now_);
  }
}

TEST(SmallListPages, AreNotRaisedByBeingTooLarge) {
  ListWatch machine(5, {500ms, 30s}, 1);
  machine.OnPageTooLarge();
  EXPECT_EQ(machine.Next().query, "limit=5");
}

}  // namespace
}  // namespace imagebatch::kube
