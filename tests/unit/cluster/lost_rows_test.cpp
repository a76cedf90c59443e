#include <gmock/gmock.h>

#include "unit/cluster/controlled.h"

/// A batch whose rows come from a ConfigMap, which is gone, is another or cannot be read when the controller
/// starts.
namespace imagebatch::cluster {
namespace {

using std::chrono::minutes;
using testing::Contains;

class RowsTest : public BatchControlTest {};

TEST_F(RowsTest, RowsThatChangedWhileNobodyLookedAreFoundAtTheNextStart) {
  api_.Put(Kind::ConfigMap, Rows("b"));
  Create(FromConfigMap());
  EndJob("a", "Complete");
  Run(seconds(10));
  api_.Put(Kind::ConfigMap, Rows("c"));
  Restart();
  EXPECT_EQ(Condition("Failed").substr(0, 19), "True: InputChanged:");
  EXPECT_EQ(Status()["succeeded"], 1) << "the counts stay as they were";
  EndJob("b", "Complete");
  Run(minutes(5));
  EXPECT_EQ(Jobs().size(), 2u);
  api_.Put(Kind::ConfigMap, Rows("b"));
  Run(minutes(6));  // it is looked at ever more seldom
  EXPECT_EQ(Condition("Complete").substr(0, 5), "True:");
}

TEST_F(RowsTest, AnotherVersionsDigestStopsNoBatch) {
  for (const int version : {0, kDigestVersion + 1}) {  // 0: from before there were versions
    SCOPED_TRACE(version);
    api_.Put(Kind::ConfigMap, Rows("b"));
    Create(FromConfigMap());
    EXPECT_EQ(Status()["inputDigestVersion"], kDigestVersion);
    const json digest = Status()["inputDigest"];
    json object = *api_.Find(Kind::Batch, "b");
    object["status"]["inputDigest"] = "0a";
    object["status"]["inputDigestVersion"] = version;
    if (version == 0) object["status"].erase("inputDigestVersion");
    api_.Put(Kind::Batch, std::move(object));
    Restart();
    EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
    EXPECT_EQ(Status()["inputDigest"], digest) << "the next start can compare again";
    EXPECT_EQ(Status()["inputDigestVersion"], kDigestVersion);
    api_.Put(Kind::ConfigMap, Rows("c"));
    Restart();
    EXPECT_EQ(Condition("Failed").substr(0, 19), "True: InputChanged:");
    api_.Remove(Kind::Batch, "b");
    for (const std::string& job : Jobs()) api_.Remove(Kind::Job, job);
  }
}

TEST_F(RowsTest, AFinishedBatchNeedsItsInputNoMore) {
  for (const bool gone : {true, false}) {
    api_.Put(Kind::ConfigMap, Rows("b"));
    json object = FromConfigMap();
    object["spec"]["ttlSecondsAfterFinished"] = 3600;
    Create(object);
    EndJob("a", "Complete");
    EndJob("b", "Complete");
    EXPECT_EQ(Condition("Complete").substr(0, 5), "True:");
    const json status = Status();
    if (gone) {
      api_.Remove(Kind::ConfigMap, "rows");
    } else {
      api_.Put(Kind::ConfigMap, Rows("c"));
    }
    Restart();
    Run(minutes(10));
    EXPECT_EQ(Status(), status);
    Run(minutes(60));
    EXPECT_EQ(api_.Find(Kind::Batch, "b"), nullptr) << "its time to live has passed";
    for (const std::string& job : Jobs()) api_.Remove(Kind::Job, job);  // as the garbage collector does
    api_.Remove(Kind::Record, "b-results-1");
  }
}

TEST_F(RowsTest, AMissingConfigMapDegradesAndDoesNotFail) {
  Create(FromConfigMap());
  Run(minutes(20));
  EXPECT_EQ(Condition("Degraded"),
            "True: RowsMissing: ConfigMap rows: not found in namespace builds; create it");
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
  EXPECT_EQ(Told("RowsMissing"), 1);
  Restart();
  Run(minutes(5));
  EXPECT_EQ(Told("RowsMissing"), 1);
  api_.Put(Kind::ConfigMap, Rows("b"));
  Run(minutes(5));
  EXPECT_EQ(Condition("Degraded").substr(0, 5), "False");
  EXPECT_EQ(Jobs().size(), 1u);
}

TEST_F(RowsTest, AStartedBatchWhoseRowsAreGoneAfterARestartSaysSo) {
  api_.Put(Kind::ConfigMap, Rows("b"));
  Create(FromConfigMap());
  EndJob("a", "Complete");
  Run(seconds(10));
  const json rows = *api_.Find(Kind::ConfigMap, "rows");
  api_.Remove(Kind::ConfigMap, "rows");
  Restart();
  Run(minutes(1));
  EXPECT_EQ(Condition("Degraded").substr(0, 18), "True: RowsMissing:");
  EXPECT_EQ(Status()["succeeded"], 1) << "the counts stay as they were";
  api_.Put(Kind::ConfigMap, rows);
  Run(minutes(5));
  EXPECT_EQ(Condition("Degraded").substr(0, 5), "False");
  EXPECT_EQ(Jobs().size(), 2u);
}

/// Without its rows or with others than it began with.
class RowsLostTest : public RowsTest, public testing::WithParamInterface<const char*> {
 protected:
  void Begin(int parallelism) {
    api_.Put(Kind::ConfigMap, Rows("b"));
    json object = FromConfigMap();
    object["spec"]["parallelism"] = parallelism;
    Create(std::move(object));
    rows_ = *api_.Find(Kind::ConfigMap, "rows");
  }
  void Lose() {
    const std::string how = GetParam();
    if (how == "refused") {
      refuse_ = [](const Command& command) { return command.purpose == Purpose::ReadRows ? 403 : 0; };
    } else if (how == "gone") {
      api_.Remove(Kind::ConfigMap, "rows");
    } else {
      api_.Put(Kind::ConfigMap, how == "changed" ? Rows("c") : Rows("a"));
    }
    Restart();
  }
  void Restore() {
    refuse_ = {};
    api_.Put(Kind::ConfigMap, rows_);
    Run(minutes(11));  // it is looked at ever more seldom
  }
  int64_t Counted() const {
    int64_t all = 0;
    for (const char* state : {"waiting", "queued", "held", "pending", "running", "succeeded", "failed"})
      all += Status().value(state, int64_t{0});
    return all;
  }

  json rows_;
};

INSTANTIATE_TEST_SUITE_P(Rows, RowsLostTest, testing::Values("gone", "changed", "invalid", "refused"),
                         [](const auto& rows) { return std::string(rows.param); });

TEST_P(RowsLostTest, WhatRunsIsFollowedToItsEndAndTheRestGoesOnWhenTheyAreBack) {
  Begin(1);
  Lose();
  Run(minutes(1));
  const bool degrades = GetParam() == std::string("gone") || GetParam() == std::string("refused");
  EXPECT_EQ(Condition(degrades ? "Degraded" : "Failed").substr(0, 4), "True");
  EXPECT_EQ(Counted(), 2) << "those that nobody knows by name count too";
  EndJob("a", "Complete");
  Run(seconds(30));
  EXPECT_EQ(Status()["succeeded"], 1);
  EXPECT_EQ(Status()["results"]["lines"], 1);
  EXPECT_EQ(Jobs().size(), 1u) << "nothing new is started";
  EXPECT_EQ(Counted(), 2);
  Restore();
  EXPECT_EQ(Condition("Degraded").substr(0, 5), "False");
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
  ASSERT_EQ(Jobs().size(), 2u);
  EndJob("b", "Complete");
  Run(seconds(30));
  EXPECT_EQ(Condition("Complete").substr(0, 5), "True:");
  EXPECT_EQ(Status()["results"]["lines"], 2);
  EXPECT_EQ(std::count(writes_.begin(), writes_.end(), "create jobs"), 2) << "none again";
  EXPECT_EQ(Told("Started"), 1);
}

TEST_P(RowsLostTest, AFailedBuildIsTriedAgainOnceTheyAreBack) {
  Begin(2);
  ChangeSpec({{"infrastructureRetryLimit", 1}});
  EndJob("b", "Complete");
  Lose();
  EndJob("a", "Failed");
  Run(minutes(2));
  EXPECT_EQ(Status()["succeeded"], 1);
  EXPECT_EQ(Jobs().size(), 2u);
  Restore();
  EXPECT_EQ(Jobs().size(), 3u);
  EXPECT_EQ(Status()["retried"], 1);
}

TEST_P(RowsLostTest, ARestartMeanwhileLosesNothing) {
  Begin(2);
  Lose();
  EndJob("b", "Complete");
  Run(seconds(30));
  Restart();
  EndJob("a", "Complete");
  Run(seconds(30));
  EXPECT_EQ(Status()["succeeded"], 2);
  EXPECT_EQ(Status()["results"]["lines"], 2);
  Restore();
  EXPECT_EQ(Condition("Complete").substr(0, 5), "True:");
  EXPECT_EQ(Jobs().size(), 2u);
}

TEST_P(RowsLostTest, TheDeadlineOfTheBatchHoldsAllTheSame) {
  Begin(1);
  Lose();
  ChangeSpec({{"activeDeadlineSeconds", 600}});
  const std::string job = JobOf("a");
  Run(minutes(11));
  EXPECT_THAT(writes_, Contains("delete jobs/" + job));
  EXPECT_EQ(Status()["failed"], 2);
}

TEST_P(RowsLostTest, ABatchThatIsCompleteButForWhatRunsNeedsThemNoMoreUnlessThereAreOthers) {
  Begin(2);
  Lose();
  EndJob("a", "Complete");
  EndJob("b", "Complete");
  Run(seconds(30));
  const bool others = GetParam() == std::string("changed") || GetParam() == std::string("invalid");
  EXPECT_EQ(Condition("Complete").substr(0, 4) == "True", !others);
}

}  // namespace
}  // namespace imagebatch::cluster
