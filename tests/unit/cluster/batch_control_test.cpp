#include "cluster/control/batch_control.h"

#include <gmock/gmock.h>

#include "unit/cluster/controlled.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::minutes;
using testing::Contains;
using testing::IsEmpty;

size_t Index(const std::vector<std::string>& writes, const std::string& what) {
  return static_cast<size_t>(std::find(writes.begin(), writes.end(), what) - writes.begin());
}

TEST_F(BatchControlTest, ABatchFromItsStartToItsEnd) {
  Create(Object());
  EXPECT_EQ(Status()["startTime"], "2020-01-01T00:00:00Z");
  EXPECT_EQ(Jobs().size(), 1u) << "parallelism is 1";
  EndJob("a", "Complete");
  EXPECT_EQ(Jobs().size(), 2u);
  EXPECT_EQ(Status()["total"], 2);
  Run(minutes(1));
  EndJob("b", "Complete");
  EXPECT_EQ(Condition("Complete"), "True: AllSucceeded: 2 of 2 builds succeeded, 0 failed");
  EXPECT_EQ(Status()["completionTime"], "2020-01-01T00:01:01Z");
  EXPECT_EQ(Status()["results"]["lines"], 2);
  EXPECT_NE(api_.Find(Kind::Record, "b-results-1"), nullptr);
}

TEST_F(BatchControlTest, ARestartChangesNothingOfAFinishedBatch) {
  Create(Object());
  EndJob("a", "Complete");
  EndJob("b", "Failed");
  Run(seconds(1));
  EXPECT_EQ(Condition("Failed"), "True: BuildsFailed: 1 of 2 builds succeeded, 1 failed");
  Pass(minutes(1));
  const json status = Status();
  writes_.clear();
  for (const std::string& job : Jobs()) api_.Remove(Kind::Job, job);
  Restart();
  Run(minutes(1));
  EXPECT_EQ(Status(), status) << json::diff(status, Status()).dump(2);
  EXPECT_THAT(writes_, IsEmpty()) << "what is stored is not built again";
}

TEST_F(BatchControlTest, AtTheDeadlineResultsAreStoredBeforeJobsAreDeleted) {
  json object = Object();
  object["spec"]["activeDeadlineSeconds"] = 60;
  Create(object);
  const std::string job = JobOf("a");
  Run(seconds(59));
  EXPECT_EQ(Jobs().size(), 1u);
  Run(seconds(1));
  EXPECT_THAT(Jobs(), IsEmpty());
  ASSERT_THAT(writes_, Contains("create imagebatchrecords"));
  EXPECT_LT(Index(writes_, "create imagebatchrecords"), Index(writes_, "delete jobs/" + job));
  Run(seconds(1));
  EXPECT_EQ(Condition("Failed"),
            "True: DeadlineExceeded: 0 of 2 builds succeeded, 2 failed or were not built before "
            "activeDeadlineSeconds had passed");

  writes_.clear();
  const json status = Status();
  Run(minutes(30));
  EXPECT_THAT(writes_, IsEmpty()) << "after its end nothing begins";
  EXPECT_EQ(Status(), status);
  Restart();
  Run(minutes(30));
  EXPECT_THAT(writes_, IsEmpty());
  EXPECT_EQ(Status(), status);
}

TEST_F(BatchControlTest, TheDeadlineEndsABatchWhoseJobsAreRefused) {
  Refuse(Purpose::CreateJob);
  json object = Object();
  object["spec"]["activeDeadlineSeconds"] = 60;
  Create(object);
  Run(seconds(59));
  EXPECT_THAT(writes_, Contains("create jobs"));
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
  Run(seconds(62));
  EXPECT_EQ(Condition("Failed").substr(0, 23), "True: DeadlineExceeded:") << Condition("Failed");
  writes_.clear();
  Run(minutes(5));
  EXPECT_THAT(writes_, IsEmpty());
}

TEST_F(BatchControlTest, ALaterDeadlineLetsTheRestRun) {
  json object = Object();
  object["spec"]["activeDeadlineSeconds"] = 60;
  Create(object);
  Run(seconds(62));
  EXPECT_EQ(Condition("Failed").substr(0, 23), "True: DeadlineExceeded:");
  ChangeSpec({{"activeDeadlineSeconds", 600}});
  EXPECT_EQ(Jobs().size(), 1u) << "the build that had not begun";
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
}

TEST_F(BatchControlTest, AFinishedBatchIsDeletedAfterItsTimeToLive) {
  json object = Object();
  object["spec"]["ttlSecondsAfterFinished"] = 3600;
  Create(object);
  EndJob("a", "Complete");
  EndJob("b", "Complete");
  Run(seconds(3590));
  EXPECT_NE(api_.Find(Kind::Batch, "b"), nullptr);
  Run(seconds(20));
  EXPECT_EQ(api_.Find(Kind::Batch, "b"), nullptr);
  EXPECT_EQ(std::count(writes_.begin(), writes_.end(), "delete imagebatches/b"), 1);
}

TEST_F(BatchControlTest, ABatchWhoseInputHasChangedStopsAndGoesOnWhenItIsRestored) {
  Create(Object());
  const json images = Object()["spec"]["images"];
  ChangeSpec({{"images", {{"rows", {{{"name", "a"}}, {{"name", "z"}}}}}}});
  EXPECT_EQ(Condition("Failed").substr(0, 19), "True: InputChanged:");
  EndJob("a", "Complete");
  Run(minutes(1));
  EXPECT_EQ(Jobs().size(), 1u) << "nothing new is started";
  EXPECT_EQ(Status()["succeeded"], 1) << "what runs is still followed";
  ChangeSpec({{"images", images}});
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
  EXPECT_EQ(Jobs().size(), 2u);
}

TEST_F(BatchControlTest, AFinishedBatchIsNotLoadedAgain) {
  api_.Put(Kind::ConfigMap, Rows("b"));
  Create(FromConfigMap());
  EndJob("a", "Complete");
  EndJob("b", "Failed");
  Run(seconds(1));
  const metrics::BatchSample before = control_->Sample();
  reads_.clear();
  Restart();
  Run(minutes(30));
  EXPECT_THAT(reads_, IsEmpty());
  const metrics::BatchSample after = control_->Sample();
  EXPECT_EQ(after.stages.at(0).succeeded, 1);
  EXPECT_EQ(after.stages[0].failed, 1);
  EXPECT_EQ(after.start, before.start);
  EXPECT_EQ(after.completion, before.completion);
  EXPECT_EQ(after.conditions, before.conditions);
}

TEST_F(BatchControlTest, ARaisedLimitMakesAFinishedBatchGoOn) {
  for (const bool restarted : {false, true}) {
    api_.Put(Kind::ConfigMap, Rows("b"));
    Create(FromConfigMap());
    EndJob("a", "Complete");
    EndJob("b", "Failed");
    Run(seconds(1));
    if (restarted) Restart();
    const size_t jobs = Jobs().size();
    reads_.clear();
    ChangeSpec({{"infrastructureRetryLimit", 1}});
    Run(seconds(20));
    EXPECT_THAT(reads_, Contains("/api/v1/namespaces/builds/configmaps/rows"))
        << "a finished batch keeps no rows";
    EXPECT_EQ(Jobs().size(), jobs + 1) << restarted;
    EXPECT_EQ(Condition("Failed").substr(0, 6), "False:");
    for (const std::string& job : Jobs()) api_.Remove(Kind::Job, job);
    api_.Remove(Kind::Record, "b-results-1");
    api_.Remove(Kind::Batch, "b");
  }
}

TEST_F(BatchControlTest, AJobThatRunsAfterTheEndIsDeletedAndTheBatchRestsAgain) {
  for (const bool restarted : {false, true}) {
    Create(Object());
    EndJob("a", "Complete");
    EndJob("b", "Complete");
    Run(seconds(1));
    json job = *api_.Find(Kind::Job, JobOf("a"));
    writes_.clear();
    blind_ = restarted;
    job.erase("status");
    api_.Put(Kind::Job, job);
    blind_ = false;
    if (restarted) Restart();
    Run(minutes(1));
    EXPECT_THAT(writes_, Contains("delete jobs/" + job["metadata"]["name"].get<std::string>())) << restarted;
    EXPECT_EQ(Condition("Complete").substr(0, 5), "True:");
    reads_.clear();
    Run(minutes(10));
    EXPECT_THAT(reads_, IsEmpty());
    for (const std::string& left : Jobs()) api_.Remove(Kind::Job, left);
    api_.Remove(Kind::Record, "b-results-1");
    api_.Remove(Kind::Batch, "b");
  }
}

TEST_F(BatchControlTest, AnInvalidBatchIsToldOnceAndMendedByItsNextSpec) {
  json object = Object();
  object["spec"]["stages"][0]["image"] = "r.example/image:$(nmae)";
  Create(object);
  Run(minutes(5));
  EXPECT_EQ(Condition("Failed").substr(0, 14), "True: Invalid:");
  EXPECT_NE(Condition("Failed").find("nmae"), std::string::npos) << Condition("Failed");
  EXPECT_THAT(writes_, IsEmpty());
  EXPECT_FALSE(Status().contains("startTime"));
  ChangeSpec({{"stages", Object()["spec"]["stages"]}});
  EXPECT_EQ(Jobs().size(), 1u);
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
}

TEST_F(BatchControlTest, ASpecThatOnlyTheControllerRefusesIsToldOnceAndDoesNotSpin) {
  json object = Object();
  object["spec"]["stages"][0]["template"]["spec"]["containers"][0]["command"] = {"sh", "-c",
                                                                                 "V=$(cat VERSION) make"};
  Create(object);
  Run(minutes(5));  // which fails where a step is due again at once
  EXPECT_EQ(Condition("Failed").substr(0, 14), "True: Invalid:");
  EXPECT_EQ(Told("Invalid"), 1);
  ChangeSpec({{"stages", Object()["spec"]["stages"]}});
  EXPECT_EQ(Jobs().size(), 1u);
}

TEST_F(BatchControlTest, ATimeToLiveThatIsRaisedAfterARefusedDeletionCounts) {
  json object = Object();
  object["spec"]["ttlSecondsAfterFinished"] = 10;
  Create(object);
  EndJob("a", "Complete");
  EndJob("b", "Complete");
  Refuse(Purpose::DeleteBatch, 500);
  Run(minutes(3));
  EXPECT_EQ(Told("Deleted"), 1) << "however often it is tried";
  EXPECT_EQ(Condition("Degraded").substr(0, 21), "True: BatchNotDeleted");
  refuse_ = {};
  ChangeSpec({{"ttlSecondsAfterFinished", -1}});
  Run(minutes(60));
  EXPECT_NE(api_.Find(Kind::Batch, "b"), nullptr);
  EXPECT_EQ(Condition("Degraded").substr(0, 5), "False");
  EXPECT_EQ(Condition("Complete").substr(0, 5), "True:");
}

TEST_F(BatchControlTest, ABatchIsReadAfreshBeforeItIsDeleted) {
  json object = Object();
  object["spec"]["ttlSecondsAfterFinished"] = 60;
  Create(object);
  EndJob("a", "Complete");
  EndJob("b", "Complete");
  blind_ = true;
  ChangeSpec({{"ttlSecondsAfterFinished", 3600}});
  Run(minutes(5));
  EXPECT_NE(api_.Find(Kind::Batch, "b"), nullptr) << "its time to live was raised, and the watch is late";
}

TEST_F(BatchControlTest, ASuspensionStopsTheDeadline) {
  json object = Object();
  object["spec"]["activeDeadlineSeconds"] = 60;
  Create(object);
  Run(seconds(30));
  ChangeSpec({{"suspend", true}});
  Run(minutes(60));
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
  EXPECT_EQ(Jobs().size(), 1u) << "what runs goes on";
  ChangeSpec({{"suspend", false}});
  Run(seconds(50));
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
  Run(seconds(15));
  EXPECT_EQ(Condition("Failed").substr(0, 23), "True: DeadlineExceeded:");
}

TEST_F(BatchControlTest, BuildsThatAreHeldAreToldOnceAndNotAgainAfterARestart) {
  Create(Object());
  const auto suspend = [&](bool suspended) {
    json job = *api_.Find(Kind::Job, Jobs().front());
    job["spec"]["suspend"] = suspended;
    api_.Put(Kind::Job, std::move(job));
    Run(seconds(15));
  };
  suspend(true);
  EXPECT_EQ(Status()["held"], 1);
  EXPECT_EQ(control_->Sample().working, 0) << "what is held does not work";
  EXPECT_EQ(Told("BuildsHeld"), 1);
  Restart();
  Run(seconds(15));
  EXPECT_EQ(Status()["held"], 1);
  EXPECT_EQ(Told("BuildsHeld"), 1);
  suspend(false);
  EXPECT_EQ(Status()["held"], 0);
  suspend(true);
  EXPECT_EQ(Told("BuildsHeld"), 2) << "held once more";
}

TEST_F(BatchControlTest, ANamespaceThatIsDeletedMakesNoNoise) {
  Create(Object());
  told_.clear();
  refused_with_ = {{"message", "forbidden"},
                   {"details", {{"causes", {{{"reason", "NamespaceTerminating"}}}}}}};
  refuse_ = [](const Command& command) { return command.request.method == Method::Post ? 403 : 0; };
  EndJob("a", "Complete");
  Run(minutes(60));
  EXPECT_THAT(told_, IsEmpty());
}

TEST(ParkedTest, OfEachObjectTheNewestIsKept) {
  Parked<JobView> parked;
  JobView job;
  job.name = "j";
  for (job.version = 1; job.version <= 1000; ++job.version) parked.Put({Change::Upsert, job});
  job.version = 5;
  parked.Put({Change::Gone, job});
  std::vector<std::pair<Change, Version>> taken;
  parked.TakeEach([&](const JobSeen& seen) { taken.emplace_back(seen.change, seen.view.version); });
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0], std::pair(Change::Upsert, Version{1000})) << "what is older changes nothing";
  EXPECT_EQ(parked.size(), 0u);
}

TEST_F(BatchControlTest, ABatchThatNeverStartsShowsItsConditionsToMetrics) {
  json object = Object();
  object["spec"]["stages"][0]["image"] = "r.example/image:$(nmae)";
  Create(object);
  EXPECT_THAT(control_->Sample().conditions, Contains(std::pair(std::string("Failed"), true)));
}

TEST_F(BatchControlTest, AnHourAfterItsEndABatchShowsOnlyHowItEnded) {
  Create(Object());
  EndJob("a", "Complete");
  EndJob("b", "Complete");
  Run(minutes(59));
  EXPECT_EQ(control_->Sample().results_waiting, 0);
  EXPECT_EQ(control_->Sample().stages[0].slow, 0);
  Run(minutes(2));
  const metrics::BatchSample sample = control_->Sample();
  EXPECT_EQ(sample.stages.at(0).succeeded, 2);
  EXPECT_EQ(sample.stages[0].slow, std::nullopt);
  EXPECT_TRUE(sample.completion);
  EXPECT_THAT(sample.conditions, Contains(std::pair(std::string("Complete"), true)));
  EXPECT_FALSE(sample.start || sample.last_progress || sample.deadline || sample.end || sample.suspended ||
               sample.results_waiting || sample.working);
  EXPECT_THAT(sample.hung_by_class, IsEmpty());
  EXPECT_THAT(sample.hangs, IsEmpty());
}

TEST_F(BatchControlTest, ABatchThatIsBeingDeletedStartsNothing) {
  Create(Object());
  EndJob("a", "Complete");
  json object = *api_.Find(Kind::Batch, "b");
  object["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z";
  api_.Put(Kind::Batch, object);
  writes_.clear();
  EndJob("b", "Failed");
  Run(minutes(1));
  for (const std::string& write : writes_) EXPECT_NE(write, "create jobs");
}

TEST_F(BatchControlTest, WhatStandsInAnotherNamespaceIsNotBelieved) {
  Create(Object());
  JobView stranger = *ParseJob(api_.Find(Kind::Job, JobOf("a"))->dump());
  stranger.ns = "other";
  stranger.uid = "another";
  stranger.version += 1000;
  stranger.phase = JobView::Phase::Complete;
  control_->Observe(JobSeen{Change::Upsert, stranger}, now_);
  Run(minutes(1));
  EXPECT_EQ(Status()["succeeded"], 0);
  EXPECT_EQ(Jobs().size(), 1u) << "and its own Job is left alone";
}

TEST_F(BatchControlTest, BuildsThatHangAlikeAreOneGroupWhateverRestarts) {
  json object = Object();
  object["spec"]["parallelism"] = 2;
  Create(object);
  for (const char* row : {"a", "b"}) {
    json pod = PodOf(row);
    pod["metadata"]["name"] = row;
    const std::string marker = pod["spec"]["containers"][0]["env"][0]["value"];
    api_.Print(
        row,
        R"({"imagebatch":"evidence","marker":")" + marker +
            R"(","verdict":"Hung","class":"Idle","reason":"NoActivity","message":"for 300 s nothing",)" +
            R"("fingerprint":"0123456789ab","summary":"pip waits","since":")" + FormatTime(now_.wall) + "\"}",
        now_.wall);
    pod["status"] = Running(false);
    Show(pod);
    Run(seconds(6));
  }
  const auto group = [&](int hanging) {
    const json groups = Status()["hangGroups"];
    ASSERT_EQ(groups.size(), 1U);
    EXPECT_EQ(groups[0]["fingerprint"], "0123456789ab");
    EXPECT_EQ(groups[0]["summary"], "pip waits");
    EXPECT_EQ(groups[0]["count"], 2);
    EXPECT_EQ(groups[0]["hanging"], hanging);
  };
  group(2);
  EXPECT_THAT(messages_, Contains(testing::HasSubstr(" hangs (Idle, NoActivity): for 300 s nothing")));
  EXPECT_THAT(messages_, Contains(testing::HasSubstr(" hangs (Idle, NoActivity) like 1 other: pip waits")));
  const metrics::BatchSample sample = control_->Sample();
  ASSERT_EQ(sample.hang_groups.size(), 1U);
  EXPECT_EQ(sample.hang_groups[0].hanging, 2);
  EXPECT_EQ(sample.hung[1].fingerprint, "0123456789ab");
  Restart();
  Run(seconds(20));
  group(2);
  EXPECT_EQ(Told("BuildHung"), 2) << "and not again";
  EndJob("a", "Failed");
  Run(seconds(20));
  group(1);
  Restart();
  Run(seconds(20));
  group(1);
}

TEST_F(BatchControlTest, AHungBuildShowsWithItsEvidenceUntilItGoesOn) {
  Create(Object());
  json pod = PodOf("a");
  const auto be = [&](bool ready) {
    pod["status"] = Running(ready);
    Show(pod);
  };
  EXPECT_EQ(control_->Sample().working, 0) << "there is no Pod yet";
  be(true);
  EXPECT_EQ(control_->Sample().working, 1);
  const std::string marker = pod["spec"]["containers"][0]["env"][0]["value"];
  const auto said = [&](const std::string& by) {
    return R"({"imagebatch":"evidence","marker":")" + by +
           R"(","verdict":"Hung","class":"Deadlock","since":")" + FormatTime(now_.wall) + "\"}";
  };
  api_.Print("p", said("forged"), now_.wall);
  be(false);
  EXPECT_EQ(Status()["hungBuilds"], json::array()) << "what the build prints is not believed";
  api_.Print("p", said(marker), now_.wall);
  Run(seconds(6));
  ASSERT_EQ(Status()["hungBuilds"].size(), 1U);
  EXPECT_EQ(control_->Sample().working, 0) << "a build that hangs does not work";
  const json hung = Status()["hungBuilds"][0];
  EXPECT_EQ(hung["class"], "Deadlock");
  const json* kept = api_.Find(Kind::Record, hung["evidence"]["record"]);
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(hung["evidence"]["sha256"], Sha256((*kept)["evidence"].get<std::string>()));
  EXPECT_EQ(kept->dump().find(marker), std::string::npos);
  be(true);
  EXPECT_EQ(Status()["hungBuilds"], json::array());
  EXPECT_EQ(control_->Sample().working, 1);
  EXPECT_NE(api_.Find(Kind::Record, hung["evidence"]["record"]), nullptr) << "it stays";
}

TEST_F(BatchControlTest, OnlyBuildsThatRanCountAmongTheDurations) {
  Refuse(Purpose::CreateJob, 422);
  json object = Object();
  object["spec"]["images"]["rows"].erase(1);
  Create(object);
  Run(seconds(5));
  EXPECT_EQ((totals_.attempts[{"failed", "JobRejected"}]), 1u);
  EXPECT_TRUE(totals_.build_duration.empty()) << "it would show as 0 s";

  api_.Remove(Kind::Batch, "b");
  refuse_ = {};
  Create(Object());
  json pod = PodOf("a");
  const json ended = {{"exitCode", 3},
                      {"reason", "Error"},
                      {"startedAt", FormatTime(now_.wall)},
                      {"finishedAt", FormatTime(now_.wall + minutes(2))}};
  pod["status"] = {{"phase", "Failed"},
                   {"containerStatuses", {{{"name", "build"}, {"state", {{"terminated", ended}}}}}}};
  Show(pod);
  EndJob("a", "Failed");
  ASSERT_EQ(totals_.build_duration.count("failed"), 1u);
  EXPECT_EQ(totals_.build_duration.at("failed").sum, 120);
}

}  // namespace
}  // namespace imagebatch::cluster
