#include "cli/view/waiting.h"

#include <gmock/gmock.h>

#include "unit/cli/view/batch_object.h"

namespace imagebatch::cli {
namespace {

using ::testing::HasSubstr;

const Time kNow = *ParseTime("2026-11-28T10:12:00Z");

/// A batch in which only hung builds are left.
BatchStatus OnlyHung() {
  BatchStatus batch = ReadBatchStatus(testing::RunningBatch());
  batch.counts = {.total = 100, .waiting = 5, .running = 2, .succeeded = 93};
  return batch;
}

void Set(BatchStatus& batch, const std::string& type, const std::string& reason, const std::string& message) {
  for (auto& [name, condition] : batch.conditions) {
    if (name == type) condition = {true, reason, message};
  }
}

TEST(Judge, GoesOnWhileABuildCanGoOn) {
  EXPECT_EQ(Judge(ReadBatchStatus(testing::RunningBatch()), kNow), Waiting::GoesOn);
  for (int64_t BuildCounts::*state : {&BuildCounts::pending, &BuildCounts::held, &BuildCounts::queued}) {
    BatchStatus batch = OnlyHung();
    batch.counts.*state = 1;
    EXPECT_EQ(Judge(batch, kNow), Waiting::GoesOn);
  }
  BatchStatus batch = OnlyHung();
  batch.counts.running = 3;
  EXPECT_EQ(Judge(batch, kNow), Waiting::GoesOn);
}

TEST(Judge, IsHungWhereOnlyHungBuildsAreLeft) {
  EXPECT_EQ(Judge(OnlyHung(), kNow), Waiting::Hung);
  EXPECT_THAT(EndText(OnlyHung(), Waiting::Hung), HasSubstr("hello: hung: build django__django-17087 hangs"));
  BatchStatus none = OnlyHung();
  none.hung = 0;
  none.counts.running = 0;
  EXPECT_EQ(Judge(none, kNow), Waiting::GoesOn) << "the next ones are about to be queued";
}

TEST(Judge, IsHungWhereHungBuildsHaveAllSlots) {
  BatchStatus batch = OnlyHung();
  batch.counts.queued = 7;
  batch.parallelism = 2;
  EXPECT_EQ(Judge(batch, kNow), Waiting::Hung);
  batch.parallelism = 3;
  EXPECT_EQ(Judge(batch, kNow), Waiting::GoesOn);
  batch.suspend = true;
  EXPECT_EQ(Judge(batch, kNow), Waiting::Hung);
}

TEST(Judge, IsHungWhereQueuedBuildsDoNotStartForLong) {
  BatchStatus batch = OnlyHung();
  batch.counts.queued = 7;  // such as by the parallelism of their stage
  batch.progressed = kNow - kStandstill;
  EXPECT_EQ(Judge(batch, kNow), Waiting::GoesOn);
  EXPECT_EQ(Judge(batch, kNow + Duration(1)), Waiting::Hung);
}

TEST(Judge, WaitsForHungBuildsThatAreEnded) {
  BatchStatus batch = OnlyHung();
  batch.ending_stages = {"image"};
  EXPECT_EQ(Judge(batch, kNow), Waiting::GoesOn);
  for (ListedBuild& build : batch.hung_builds) build.class_name = "Unobserved";
  EXPECT_EQ(Judge(batch, kNow), Waiting::Hung) << "those are only flagged";
}

TEST(Judge, KnowsTheEnd) {
  BatchStatus batch = OnlyHung();
  Set(batch, "Complete", "AllSucceeded", "100 of 100 builds succeeded");
  EXPECT_EQ(Judge(batch, kNow), Waiting::Succeeded);
  EXPECT_EQ(EndText(batch, Waiting::Succeeded), "hello: 100 of 100 builds succeeded");
  Set(batch, "Failed", "BuildsFailed", "2 builds\nfailed");
  EXPECT_EQ(Judge(batch, kNow), Waiting::Failed);
  EXPECT_EQ(EndText(batch, Waiting::Failed), "hello: failed: BuildsFailed: 2 builds failed");
}

TEST(Judge, TrustsNoStatusOfAnEarlierSpec) {
  auto object = testing::RunningBatch();
  object["metadata"]["generation"] = 4;  // such as by `imagebatch retry`
  BatchStatus batch = ReadBatchStatus(object);
  Set(batch, "Failed", "BuildsFailed", "");
  EXPECT_EQ(Judge(batch, kNow), Waiting::GoesOn);
  EXPECT_FALSE(batch.Finished());
  EXPECT_EQ(Judge(ReadBatchStatus({{"metadata", {{"name", "new"}}}}), kNow), Waiting::GoesOn);
}

TEST(Judge, KnowsWhichStagesEndTheirHungBuilds) {
  auto object = testing::RunningBatch();
  object["spec"]["hang"]["action"] = "Retry";
  object["spec"]["stages"][0]["hang"]["action"] = "Flag";
  EXPECT_THAT(ReadBatchStatus(object).ending_stages, ::testing::ElementsAre("image"));
}

}  // namespace
}  // namespace imagebatch::cli
