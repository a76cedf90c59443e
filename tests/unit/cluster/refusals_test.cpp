// What a batch does and says where the API server refuses what it asks for.
#include <gmock/gmock.h>

#include "unit/cluster/controlled.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::minutes;
using testing::IsEmpty;

TEST_F(BatchControlTest, RefusedJobsAreToldOnceAndDegradeTheBatchAfterAMinute) {
  Refuse(Purpose::CreateJob);
  Create(Object());
  Run(seconds(50));
  EXPECT_EQ(Condition("Degraded"), "False: NotDegraded: ");
  EXPECT_EQ(Told("JobsNotCreated"), 0);
  Run(minutes(10));
  EXPECT_EQ(Condition("Degraded").substr(0, 20), "True: JobsNotCreated");
  EXPECT_NE(Condition("Degraded").find("exceeded quota"), std::string::npos) << Condition("Degraded");
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
  EXPECT_EQ(Told("JobsNotCreated"), 1);
  EXPECT_EQ(control_->Sample().failing_since.count("CreateJob"), 1u);

  const json degraded = Status()["conditions"];
  Restart();
  Run(minutes(5));
  EXPECT_EQ(Status()["conditions"], degraded) << "a restart changes nothing";
  EXPECT_EQ(Told("JobsNotCreated"), 1) << "and tells nothing again";

  refuse_ = {};
  Run(minutes(1));
  EXPECT_EQ(Condition("Degraded"), "False: NotDegraded: ");
  EXPECT_EQ(Jobs().size(), 1u);
  EXPECT_EQ(control_->Sample().failing_since.size(), 0u);
}

TEST_F(BatchControlTest, ABatchWhoseResultsCannotBeStoredSaysSo) {
  Refuse(Purpose::WriteResults);
  Create(Object());
  EndJob("a", "Complete");
  EndJob("b", "Complete");
  Run(minutes(5));
  EXPECT_EQ(Condition("Complete").substr(0, 19), "False: NotFinished:");
  EXPECT_EQ(Condition("Degraded").substr(0, 22), "True: ResultsNotStored");
  EXPECT_EQ(Told("ResultsNotStored"), 1);
  EXPECT_EQ(control_->Sample().results_waiting, 2);
  refuse_ = {};
  Run(minutes(1));
  EXPECT_EQ(Condition("Complete").substr(0, 5), "True:");
  EXPECT_EQ(Condition("Degraded").substr(0, 5), "False");
  EXPECT_EQ(control_->Sample().results_waiting, 0);
}

TEST_F(BatchControlTest, ABatchThatCannotEvenBeginSaysSoOnceAndBeginsWhenItMay) {
  struct Case {
    Purpose purpose;
    int status;
    const char* told;
  };
  for (const Case& refused :
       {Case{Purpose::WriteStatus, 403, "StatusNotWritten"},
        Case{Purpose::WriteStatus, 422, "StatusNotWritten"}, Case{Purpose::DryRun, 500, "JobsNotChecked"}}) {
    told_.clear();
    Refuse(refused.purpose, refused.status);
    Create(Object());
    Run(minutes(5));
    EXPECT_EQ(Told(refused.told), 1) << refused.status;
    EXPECT_EQ(control_->Sample().failing_since.count(std::string(Name(refused.purpose))), 1u);
    EXPECT_THAT(Jobs(), IsEmpty()) << "nothing runs of which the status could not tell";
    refuse_ = {};
    Run(minutes(1));
    EXPECT_EQ(Jobs().size(), 1u) << refused.told;
    EXPECT_EQ(control_->Sample().failing_since.size(), 0u);
    for (const std::string& job : Jobs()) api_.Remove(Kind::Job, job);
    api_.Remove(Kind::Batch, "b");
  }
}

TEST_F(BatchControlTest, ARefusedDeletionHoldsUpNoOtherBuild) {
  json object = Object();
  object["spec"]["parallelism"] = 2;
  object["spec"]["images"]["rows"] = {{{"name", "a"}}, {{"name", "b"}}, {{"name", "c"}}, {{"name", "d"}}};
  Create(object);
  ASSERT_EQ(Jobs().size(), 2u);
  const std::string stays = JobOf("a");
  Refuse(Purpose::DeleteJob);
  // Its Pod outlives it, so that its Job is to be deleted
  json pod = PodOf("a");
  const json ended = {{"exitCode", 0},
                      {"reason", "Completed"},
                      {"startedAt", FormatTime(now_.wall)},
                      {"finishedAt", FormatTime(now_.wall)}};
  pod["status"] = {{"phase", "Running"},
                   {"containerStatuses",
                    {{{"name", "build"}, {"state", {{"terminated", ended}}}},
                     {{"name", "other"}, {"state", {{"running", {{"startedAt", FormatTime(kBegin)}}}}}}}}};
  Show(pod);
  Run(minutes(10));
  EXPECT_EQ(Told("JobsNotDeleted"), 1);
  EXPECT_NE(api_.Find(Kind::Job, stays), nullptr);
  EndJob("b", "Complete");
  EndJob("c", "Complete");
  EndJob("d", "Complete");
  EXPECT_EQ(Status()["succeeded"], 4) << "one place is taken, the other goes on";
  refuse_ = {};
  Run(minutes(2));
  EXPECT_EQ(api_.Find(Kind::Job, stays), nullptr);
  EXPECT_EQ(Condition("Complete").substr(0, 5), "True:");
}

}  // namespace
}  // namespace imagebatch::cluster
