#include "loop/feeds.h"

#include <gmock/gmock.h>

#include "unit/cluster/fake_api.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr Time kBegin{std::chrono::hours(24 * 365 * 50)};

class HandClock final : public Clock {
 public:
  Time Now() const override { return Time(since_.load()); }
  SteadyTime Steady() const override { return SteadyTime(since_.load()); }
  void Pass(Duration time) { since_ = since_.load() + time; }

 private:
  std::atomic<Time::duration> since_ = kBegin.time_since_epoch();
};

class FeedsTest : public testing::Test {
 protected:
  void Start(const std::string& refused = "") {
    api_.Refuse(refused);
    feeds_.emplace(client_, "", clock_, [](const Event&) {});
  }
  bool HasListed() {
    return Eventually([&] {
      const auto samples = feeds_->Sample();
      return std::all_of(samples.begin(), samples.end(), [](const auto& each) { return each.last_event; });
    });
  }
  std::string Blind(Duration later) { return feeds_->Blind(clock_.Now() + later).value_or(""); }

  FakeApi api_;
  kube::RequestStats stats_;
  kube::ApiClient client_{api_, stats_};
  HandClock clock_;
  std::optional<Feeds> feeds_;
};

TEST_F(FeedsTest, BeforeTheFirstListNothingIsKnownToBeWrong) {
  Start("/");
  EXPECT_EQ(Blind(seconds(59)), "");
}

TEST_F(FeedsTest, AWatchThatIsRefusedForAMinuteIsBlind) {
  Start("/jobs");
  ASSERT_TRUE(Eventually([&] { return !feeds_->FailingSince().empty(); }));
  EXPECT_THAT(feeds_->FailingSince(), ElementsAre(Pair(Purpose::WatchJobs, kBegin)));
  EXPECT_EQ(Blind(seconds(60) - Duration(1)), "") << "the API server may be starting";
  EXPECT_THAT(Blind(seconds(60)), AllOf(HasSubstr("cannot watch jobs"), HasSubstr("not allowed")));

  // How long it has been so does not begin anew with each try
  clock_.Pass(seconds(30));
  EXPECT_THAT(Blind(seconds(30)), HasSubstr("cannot watch jobs"));

  api_.Refuse("");
  ASSERT_TRUE(HasListed());
  ASSERT_TRUE(Eventually([&] { return feeds_->FailingSince().empty(); }));
  EXPECT_EQ(Blind(minutes(2)), "");
}

TEST_F(FeedsTest, AWatchThatSaysNothingForTenMinutesIsBlindAndABookmarkIsEnough) {
  Start();
  ASSERT_TRUE(HasListed());
  ASSERT_TRUE(Eventually([&] { return api_.open() == 4; }));
  EXPECT_EQ(Blind(minutes(10) - Duration(1)), "");
  EXPECT_EQ(Blind(minutes(10)), "the watch of imagebatches has said nothing for 600 s");

  clock_.Pass(minutes(9));
  api_.Bookmark();
  ASSERT_TRUE(Eventually([&] {
    const auto samples = feeds_->Sample();
    return std::all_of(samples.begin(), samples.end(),
                       [&](const auto& each) { return each.last_event == clock_.Now(); });
  }));
  EXPECT_EQ(Blind(minutes(10) - Duration(1)), "");
  EXPECT_THAT(Blind(minutes(10)), HasSubstr("has said nothing for 600 s"));
}

TEST_F(FeedsTest, AnEndThatIsWantedIsNoFailure) {
  Start();
  ASSERT_TRUE(HasListed());
  feeds_->Quiet();
  api_.Refuse("/");
  api_.Shutdown();
  ASSERT_TRUE(Eventually([&] {
    for (const auto& [key, count] : stats_.Snapshot()) {
      if (std::get<1>(key) == "403") return true;
    }
    return false;
  }));
  EXPECT_TRUE(feeds_->FailingSince().empty());
  EXPECT_EQ(Blind(minutes(2)), "");
}

}  // namespace
}  // namespace imagebatch::cluster
