// What keeps builds of a batch from starting: shutdown, firstBuilds, maxFailedBuilds, a stage's own
// parallelism.
#include <gmock/gmock.h>

#include "unit/cluster/played.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::Contains;
using testing::HasSubstr;

class LimitsTest : public PlayedTest {
 protected:
  /// Of rows a, b and c, one after the other.
  static json OneByOne(const json& more) {
    json object = Three();
    object["spec"]["parallelism"] = 1;
    object["spec"].merge_patch(more);
    return object;
  }
};

TEST_F(LimitsTest, StopStartsNothingMoreAndLetsWhatRunsEnd) {
  Create(OneByOne(json::object()));
  ChangeSpec({{"shutdown", "Stop"}});
  Run(minutes(1));
  EXPECT_EQ(All(), (Attempts{"a-1"}));
  EXPECT_FALSE(Status().contains("completionTime")) << "a still runs";
  End("a", 1, "Complete");
  EXPECT_EQ(Condition("Failed"),
            "True: Cancelled: 1 of 3 builds succeeded, 2 failed or were not built because of spec.shutdown");
  EXPECT_EQ(Status()["results"]["lines"], 1) << "results stay";
  Restart();
  Run(hours(1));
  EXPECT_EQ(All(), (Attempts{"a-1"}));
}

TEST_F(LimitsTest, StopTriesNothingAgain) {
  Create(OneByOne({{"backoffLimit", 3}}));
  ChangeSpec({{"shutdown", "Stop"}});
  End("a", 1, "Failed");
  Run(minutes(10));
  EXPECT_EQ(All(), (Attempts{"a-1"}));
  EXPECT_EQ(Condition("Failed").substr(0, 16), "True: Cancelled:");
}

TEST_F(LimitsTest, TerminateEndsWhatRunsOnceItsResultIsStored) {
  Create(OneByOne(json::object()));
  const std::string job = JobOf("a", 1);
  ChangeSpec({{"shutdown", "Terminate"}});
  Run(minutes(1));
  EXPECT_EQ(All(), Attempts());
  const auto created = std::find(writes_.begin(), writes_.end(), "create imagebatchrecords");
  const auto deleted = std::find(writes_.begin(), writes_.end(), "delete jobs/" + job);
  ASSERT_NE(deleted, writes_.end());
  EXPECT_LT(created, deleted);
  EXPECT_EQ(Condition("Failed").substr(0, 16), "True: Cancelled:");
  EXPECT_THAT(api_.Find(Kind::Record, "b-results-1")->dump(), HasSubstr("\"reason\":\"Cancelled\""));
}

TEST_F(LimitsTest, WithoutShutdownTheBatchContinues) {
  Create(OneByOne({{"infrastructureRetryLimit", 1}}));
  ChangeSpec({{"shutdown", "Terminate"}});
  Run(minutes(1));
  ASSERT_EQ(Condition("Failed").substr(0, 16), "True: Cancelled:");
  Restart();
  ChangeSpec({{"shutdown", nullptr}});
  Run(minutes(1));
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
  EXPECT_EQ(All(), (Attempts{"a-2"}));
}

TEST_F(LimitsTest, StopTakesBackWhatWaitsForItsJob) {
  Refuse(Purpose::CreateJob);
  Create(Three());
  Run(seconds(5));
  ChangeSpec({{"shutdown", "Stop"}});
  refuse_ = {};
  Run(minutes(2));
  EXPECT_EQ(All(), Attempts());
  EXPECT_EQ(Condition("Failed").substr(0, 16), "True: Cancelled:");
  EXPECT_EQ(Status()["results"]["lines"], 0) << "nothing had begun";
  ChangeSpec({{"shutdown", nullptr}});
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "c-1"}));
}

TEST_F(LimitsTest, NothingRunsAgainWhileItIsShutDown) {
  Create(OneByOne(json::object()));
  End("a", 1, "Failed");
  ChangeSpec({{"shutdown", "Stop"}, {"rerun", {{"round", 1}}}});
  EXPECT_EQ(Status()["rerun"]["message"],
            "round 1 runs nothing again: spec.shutdown is set; remove it and raise round");
}

TEST_F(LimitsTest, TheFirstBuildsMustSucceedBeforeTheRestStarts) {
  json object = Three();
  object["spec"]["firstBuilds"] = 1;
  object["spec"]["backoffLimit"] = 1;
  Create(object);
  EXPECT_EQ(All(), (Attempts{"a-1"}));
  End("a", 1, "Failed");
  EXPECT_EQ(All(), (Attempts{"a-1", "a-2"})) << "it is tried again alone";
  End("a", 2, "Failed");
  EXPECT_EQ(All(), (Attempts{"a-1", "a-2", "b-1"})) << "one more for one that failed";
  Restart();
  Run(minutes(1));
  EXPECT_EQ(All().size(), 3U);
  End("b", 1, "Complete");
  EXPECT_THAT(All(), Contains("c-1"));
}

TEST_F(LimitsTest, NothingMoreStartsOnceTooManyFailed) {
  Create(OneByOne({{"maxFailedBuilds", 0}}));
  End("a", 1, "Failed");
  EXPECT_EQ(All(), (Attempts{"a-1"}));
  EXPECT_EQ(Condition("Failed"),
            "True: MaxFailedBuildsExceeded: 0 of 3 builds succeeded, 3 failed or were not built because more "
            "than maxFailedBuilds failed");
  Restart();
  Run(hours(1));
  EXPECT_EQ(All(), (Attempts{"a-1"}));
  ChangeSpec({{"maxFailedBuilds", 1}});
  EXPECT_THAT(All(), Contains("b-1"));
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
}

TEST_F(LimitsTest, WhatRunsEndsThoughTooManyFailed) {
  json object = Three();
  object["spec"]["maxFailedBuilds"] = 0;
  Create(object);
  End("a", 1, "Failed");
  EXPECT_EQ(All().size(), 3U);
  EXPECT_FALSE(Status().contains("completionTime"));
  End("b", 1, "Complete");
  End("c", 1, "Complete");
  EXPECT_EQ(Condition("Failed").substr(0, 30), "True: MaxFailedBuildsExceeded:");
  EXPECT_EQ(Status()["succeeded"], 2);
}

TEST_F(LimitsTest, RunningThemAgainLetsTheRestStartToo) {
  Create(OneByOne({{"maxFailedBuilds", 0}}));
  End("a", 1, "Failed");
  ChangeSpec({{"rerun", {{"round", 1}}}});
  EXPECT_THAT(All(), Contains("a-2"));
  End("a", 2, "Complete");
  EXPECT_THAT(All(), Contains("b-1"));
}

TEST_F(LimitsTest, SomeOfTooManyAreNotEnoughToRunAgain) {
  json object = Three();
  object["spec"]["maxFailedBuilds"] = 0;
  Create(object);
  for (const char* row : {"a", "b", "c"}) End(row, 1, "Failed");
  ChangeSpec({{"rerun", {{"round", 1}, {"builds", {"image/a"}}}}});
  EXPECT_EQ(
      Status()["rerun"]["message"],
      "round 1 runs nothing again: 2 builds more have failed and maxFailedBuilds is 0; raise it or name "
      "these too, and raise round");
  EXPECT_EQ(All().size(), 3U);
}

TEST_F(LimitsTest, AStageHasAWidthOfItsOwn) {
  json object = Three();
  object["spec"]["parallelism"] = 10;
  object["spec"]["stages"][0]["parallelism"] = 2;
  Create(object);
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1"}));
  End("a", 1, "Complete");
  EXPECT_THAT(All(), Contains("c-1"));
}

}  // namespace
}  // namespace imagebatch::cluster
