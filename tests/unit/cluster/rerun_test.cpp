// spec.rerun: builds that failed run again.
#include "cluster/control/rerun.h"

#include <gmock/gmock.h>

#include <tuple>

#include "unit/cluster/played.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class RerunTest : public PlayedTest {
 protected:
  void Rerun(int round, const std::vector<std::string>& builds = {}) {
    ChangeSpec({{"rerun", {{"round", round}, {"builds", builds}}}});
    Run(seconds(1));
  }
};

TEST_F(RerunTest, AFinishedBatchComesBackToLifeWithWhatFailedAndNothingElse) {
  Finish({"a", "b"});
  reads_.clear();
  Rerun(1);
  EXPECT_THAT(reads_, Contains(HasSubstr("imagebatchrecords"))) << "it is loaded again";
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "c-1", "a-2", "b-2"}));
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
  EXPECT_EQ(Condition("Reconciling").substr(0, 5), "True:");
  EXPECT_FALSE(Status().contains("completionTime"));
  EXPECT_EQ(Status()["rerun"]["round"], 1);
  EXPECT_EQ(Status()["rerun"]["message"], "round 1 runs 2 builds again");
  EXPECT_EQ(Told("Rerun"), 1);
  const json& labels = api_.All(Kind::Job).at(JobOf("a", 2))["metadata"]["labels"];
  EXPECT_EQ(labels.value("imagebatch.dev/round", ""), "1");
  EXPECT_FALSE(api_.All(Kind::Job).at(JobOf("a", 1))["metadata"]["labels"].contains("imagebatch.dev/round"));

  End("a", 2, "Complete");
  End("b", 2, "Complete");
  EXPECT_EQ(Condition("Complete").substr(0, 5), "True:");
  EXPECT_TRUE(Status().contains("completionTime"));
  EXPECT_EQ(Status()["results"]["lines"], 5);
  EXPECT_THAT(api_.Find(Kind::Record, "b-results-1")->dump(), HasSubstr("\"round\":1"));
  Restart();
  Run(hours(1));
  EXPECT_EQ(All().size(), 5U);
}

TEST_F(RerunTest, ItIsDoneOncePerRound) {
  Finish({"a"});
  Rerun(1);
  End("a", 2, "Failed");
  EXPECT_EQ(Condition("Failed").substr(0, 5), "True:");
  Restart();
  ChangeSpec({{"parallelism", 2}});
  Run(hours(1));
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "c-1", "a-2"}));
  Rerun(0);
  EXPECT_EQ(All().size(), 4U) << "a lower one asks for nothing";
  Rerun(2);
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "c-1", "a-2", "a-3"}));
}

TEST_F(RerunTest, EachGetsItsWholeBudgetAgainWhateverIsRestarted) {
  json object = Three();
  object["spec"]["backoffLimit"] = 1;
  Create(object);
  for (const char* row : {"b", "c"}) End(row, 1, "Complete");
  End("a", 1, "Failed");
  End("a", 2, "Failed");
  ASSERT_EQ(Condition("Failed").substr(0, 5), "True:");
  Rerun(1, {"image/a"});
  End("a", 3, "Failed");
  Restart();
  Run(minutes(1));
  End("a", 4, "Failed");
  Restart();
  Run(hours(1));
  EXPECT_EQ(All(), (Attempts{"a-1", "a-2", "a-3", "a-4", "b-1", "c-1"}));
  EXPECT_EQ(Condition("Failed").substr(0, 5), "True:");
}

TEST_F(RerunTest, OnlyThoseThatAreNamed) {
  Finish({"a", "b"});
  Rerun(1, {"image/b"});
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "c-1", "b-2"}));
  End("b", 2, "Complete");
  EXPECT_EQ(Condition("Failed").substr(0, 45), "True: BuildsFailed: 2 of 3 builds succeeded, ");
}

TEST_F(RerunTest, WithTheNeedsThatFailed) {
  json object = Object();
  json env = object["spec"]["stages"][0];
  env["name"] = "env";
  env["image"] = "r.example/env:$(name)";
  object["spec"]["stages"][0]["needs"] = {"env"};
  object["spec"]["stages"].insert(object["spec"]["stages"].begin(), env);
  object["spec"]["parallelism"] = 5;
  Create(object);
  End("a", 1, "Failed");
  End("b", 1, "Failed");
  ASSERT_EQ(Condition("Failed"), "True: BuildsFailed: 0 of 4 builds succeeded, 4 failed");
  Rerun(1, {"image/a"});
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "a-2"})) << "the environment of a";
  Run(seconds(15));
  EXPECT_EQ(Status()["waiting"], 1);
  EXPECT_EQ(Status()["failed"], 2);
  Restart();
  End("a", 2, "Complete");
  EXPECT_EQ(Status()["pending"], 1) << "the image of a";
}

TEST_F(RerunTest, WithANameThatIsWrongNothingRunsAgainAndTheMessageSaysWhich) {
  Finish({"a"});
  const json before = Status();
  writes_.clear();
  Rerun(3, {"image/a", "image/b", "image/x", "base/a"});
  const std::string message =
      "round 3 runs nothing again: image/b has not failed (it is succeeded); image/x: there is no such "
      "build; "
      "base/a: there is no such build; correct spec.rerun.builds and raise round";
  EXPECT_EQ(Status()["rerun"]["message"], message);
  EXPECT_EQ(Told("RerunRefused"), 1);
  EXPECT_EQ(messages_.back(), message);
  EXPECT_THAT(writes_, IsEmpty());
  EXPECT_EQ(Status()["completionTime"], before["completionTime"]);
  EXPECT_EQ(Condition("Failed").substr(0, 5), "True:");
  ChangeSpec({{"rerun", {{"round", 3}, {"builds", {"image/a"}}}}});
  EXPECT_THAT(writes_, IsEmpty()) << "this round has been dealt with";
  Rerun(4, {"image/a"});
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "c-1", "a-2"}));
}

TEST_F(RerunTest, WhereNothingHasFailedNothingHappens) {
  Finish({});
  const json before = Status();
  writes_.clear();
  Rerun(1);
  EXPECT_EQ(Status()["rerun"]["message"], "round 1 runs nothing again: no build has failed");
  EXPECT_EQ(Status()["completionTime"], before["completionTime"]);
  EXPECT_THAT(writes_, IsEmpty());
}

TEST_F(RerunTest, WhileTheBatchRunsWhatFailedRunsAgainBesideTheRest) {
  json object = Three();
  object["spec"]["parallelism"] = 2;
  Create(object);
  End("a", 1, "Failed");
  Rerun(1, {"image/a"});
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "c-1"})) << "no slot is free";
  Restart();
  End("b", 1, "Complete");
  EXPECT_EQ(All(), (Attempts{"a-1", "a-2", "b-1", "c-1"})) << "it is not forgotten";
}

TEST_F(RerunTest, ALaterRoundForgetsNoBuildOfAnEarlierOneThatHasNotBegun) {
  Finish({"a", "b", "c"});
  ChangeSpec({{"suspend", true}});
  Rerun(1, {"image/a"});
  Rerun(2, {"image/b"});
  EXPECT_EQ(All().size(), 3U);
  Restart();
  ChangeSpec({{"suspend", false}});
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "c-1", "a-2", "b-2"}));
  End("a", 2, "Failed");
  Rerun(3, {"image/c"});
  Restart();
  Run(minutes(5));
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "c-1", "a-2", "b-2", "c-2"})) << "a had its round";
}

TEST_F(RerunTest, WithoutItsRowsItWaitsAndSaysSo) {
  json rows = Rows("b");
  api_.Put(Kind::ConfigMap, rows);
  json object = FromConfigMap();
  object["spec"]["parallelism"] = 2;
  Create(object);
  End("a", 1, "Failed");
  End("b", 1, "Complete");
  for (const bool gone : {true, false}) {
    if (gone) {
      api_.Remove(Kind::ConfigMap, "rows");
    } else {
      api_.Put(Kind::ConfigMap, Rows("c"));
    }
    Rerun(gone ? 1 : 2);
    Run(minutes(1));
    EXPECT_EQ(Condition("Degraded").substr(0, gone ? 18 : 19),
              gone ? "True: RowsMissing:" : "True: InputChanged:");
    EXPECT_EQ(Condition("Failed").substr(0, 19), "True: BuildsFailed:");
    Restart();
    Run(minutes(1));
    EXPECT_EQ(Condition("Degraded").substr(0, 5), "True:");
    EXPECT_EQ(All().size(), gone ? 2U : 3U);
    api_.Put(Kind::ConfigMap, Rows("b"));
    Run(minutes(11));
    EXPECT_EQ(Condition("Degraded").substr(0, 5), "False") << Condition("Degraded");
    EXPECT_EQ(All().size(), gone ? 3U : 4U);
    End("a", gone ? 2 : 3, "Failed");
  }
}

TEST_F(RerunTest, OneThatIsWithdrawnBeforeItsRowsAreBackIsForgotten) {
  api_.Put(Kind::ConfigMap, Rows("b"));
  json object = FromConfigMap();
  object["spec"]["parallelism"] = 2;
  Create(object);
  End("a", 1, "Failed");
  End("b", 1, "Complete");
  api_.Remove(Kind::ConfigMap, "rows");
  Rerun(1);
  Run(minutes(1));
  ASSERT_EQ(Condition("Degraded").substr(0, 5), "True:");
  Rerun(0);
  Run(minutes(1));
  EXPECT_EQ(Condition("Degraded").substr(0, 5), "False");
  EXPECT_EQ(All().size(), 2U);
}

TEST_F(RerunTest, TheDeadlineBeginsAnew) {
  json object = Three();
  object["spec"]["activeDeadlineSeconds"] = 300;
  Create(object);
  for (const char* row : {"b", "c"}) End(row, 1, "Complete");
  End("a", 1, "Failed");
  Run(hours(1));
  Rerun(1);
  EXPECT_THAT(All(), Contains("a-2"));
  Run(minutes(6));
  EXPECT_EQ(Condition("Failed").substr(0, 23), "True: DeadlineExceeded:");
  EXPECT_EQ(JobOf("a", 2), "") << "it was ended";
}

/// Killed at write number n from when the round is raised: the write has taken effect, or has not.
class RerunKilledTest : public RerunTest, public testing::WithParamInterface<std::tuple<int, bool>> {
 protected:
  struct Killed {};

  void KillAt(int number, bool taken) {
    refuse_ = [this, number, taken, seen = 0](const Command& command) mutable {
      if (command.request.method == Method::Get || ++seen != number) return 0;
      if (taken) api_.Handle(command.request, now_.wall);
      refuse_ = {};
      throw Killed();
    };
  }
  template <class Act>
  void Survive(const Act& act) {
    try {
      act();
    } catch (const Killed&) {
      refuse_ = {};
      Restart();
      Run(seconds(30));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Writes, RerunKilledTest, testing::Combine(testing::Range(1, 13), testing::Bool()));

TEST_P(RerunKilledTest, NothingRunsTwiceAndNothingIsForgotten) {
  Finish({"a", "b"});
  const auto [number, taken] = GetParam();
  KillAt(number, taken);
  Survive([&] { Rerun(1, {"image/a"}); });
  Survive([&] { Run(seconds(30)); });
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "c-1", "a-2"}));
  EXPECT_FALSE(Status().contains("completionTime"));
  Survive([&] { End("a", 2, "Failed"); });
  Survive([&] { Run(minutes(30)); });
  EXPECT_EQ(All(), (Attempts{"a-1", "b-1", "c-1", "a-2"}));
  EXPECT_EQ(Condition("Failed").substr(0, 19), "True: BuildsFailed:");
  EXPECT_EQ(Status()["results"]["lines"], 4);
}

}  // namespace
}  // namespace imagebatch::cluster
