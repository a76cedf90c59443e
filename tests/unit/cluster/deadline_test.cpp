#include "cluster/control/deadline.h"

#include <gtest/gtest.h>

#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;

json Suspended(const char* status, Time since) {
  return {{"conditions",
           {{{"type", "Suspended"}, {"status", status}, {"lastTransitionTime", FormatTime(since)}}}}};
}

batch::Batch WithDeadline() {
  batch::Batch batch;
  batch.active_deadline_seconds = 3600;
  return batch;
}

TEST(DeadlineTest, RunsFromTheStart) {
  const batch::Batch batch = WithDeadline();
  EXPECT_EQ(Deadline(batch, kBegin, {}, Suspended("False", kBegin)), kBegin + hours(1));
  EXPECT_EQ(Deadline(batch, kBegin, {}, json::object()), kBegin + hours(1));
  EXPECT_EQ(Deadline(batch, {}, {}, json::object()), std::nullopt);
  EXPECT_EQ(Deadline(batch::Batch(), kBegin, {}, json::object()), std::nullopt);
}

TEST(DeadlineTest, StandsStillWhileSuspendedAndBeginsAnewAfterwards) {
  batch::Batch batch = WithDeadline();
  batch.suspend = true;
  EXPECT_EQ(Deadline(batch, kBegin, {}, Suspended("False", kBegin)), std::nullopt);
  EXPECT_EQ(Deadline(batch, kBegin, {}, Suspended("True", kBegin + minutes(10))), std::nullopt);
  batch.suspend = false;
  EXPECT_EQ(Deadline(batch, kBegin, {}, Suspended("True", kBegin + minutes(10))), std::nullopt)
      << "the end of the suspension is yet to be written";
  EXPECT_EQ(Deadline(batch, kBegin, {}, Suspended("False", kBegin + hours(9))), kBegin + hours(10));
}

TEST(DeadlineTest, OfAFinishedBatchASuspensionChangesNothing) {
  batch::Batch batch = WithDeadline();
  const Time completion = kBegin + hours(2);
  EXPECT_EQ(Deadline(batch, kBegin, completion, Suspended("False", kBegin + hours(5))), kBegin + hours(1));
  EXPECT_EQ(Deadline(batch, kBegin, completion, Suspended("False", kBegin + minutes(30))),
            kBegin + minutes(90));
  batch.suspend = true;
  EXPECT_EQ(Deadline(batch, kBegin, completion, Suspended("True", kBegin + hours(5))), kBegin + hours(1));
}

TEST(DeadlineTest, BeginsAnewWhenBuildsRunAgain) {
  const batch::Batch batch = WithDeadline();
  json status = Suspended("False", kBegin);
  status["rerun"] = {{"round", 1}, {"since", FormatTime(kBegin + hours(5))}};
  EXPECT_EQ(Deadline(batch, kBegin, {}, status), kBegin + hours(6));
  EXPECT_EQ(Deadline(batch, kBegin, kBegin + hours(7), status), kBegin + hours(6));
}

}  // namespace
}  // namespace imagebatch::cluster
