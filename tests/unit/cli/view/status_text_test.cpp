#include "cli/view/status_text.h"

#include <gmock/gmock.h>

#include "unit/cli/view/batch_object.h"

namespace imagebatch::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Time kNow = *ParseTime("2026-11-28T10:12:00Z");

TEST(StatusTableTest, IsThatOfKubectl) {
  const BatchStatus batch = ReadBatchStatus(testing::RunningBatch());
  EXPECT_EQ(StatusTable({batch}, false, false, kNow),
            "NAME    STATUS   TOTAL   SUCCEEDED   RUNNING   FAILED   HUNG   AGE\n"
            "hello   Hung     100     68          12        2        2      12m\n");
  EXPECT_EQ(
      StatusTable({batch}, true, true, kNow),
      "NAMESPACE   NAME    STATUS   TOTAL   SUCCEEDED   RUNNING   FAILED   HUNG   AGE   SKIPPED   STALLED   "
      "REASON\n"
      "builds      hello   Hung     100     68          12        2        2      12m   0         1         "
      "build django__django-17087 of stage image: fork_pool.py waits\n");
}

TEST(StatusDetailTest, TellsAllThereIs) {
  EXPECT_EQ(StatusDetail(ReadBatchStatus(testing::RunningBatch()), {100, false}, kNow),
            R"(hello in builds: Hung, for 12m
  build django__django-17087 of stage image: fork_pool.py waits
[######################----------] 70%  ends about 2026-11-28T10:20:00Z (in 8m; between 6m and 18m)

STAGE   TOTAL   WAITING   QUEUED   HELD   PENDING   RUNNING   SUCCEEDED   SKIPPED   FAILED
env     20      0         0        0      0         1         18          0         1
image   80      10        5        0      3         11        50          0         1
all     100     10        5        0      3         12        68          0         2

Hung: 2
  image/django__django-17087: Deadlock for 7m on node1
      fork_pool.py waits for a Lock that nobody is left to unlock
      imagebatch evidence -n builds hello image/django__django-17087
  image/astropy-1, attempt 2: Idle for 3m on node2
      nothing happens
      imagebatch evidence -n builds hello image/astropy-1
  Alike:
    1 of them: Deadlock: a Lock nobody is left to unlock

Stalled: 1
  image/flask-2: ImagePull for 4m
      image r/x: not found
      imagebatch describe -n builds hello image/flask-2

Slow, but working: 1
  env/django-3.0: for 11m; the median of its stage is 61s

Failed: 2
  env/flask-1.0, attempt 3: Error: exit code 1
      imagebatch describe -n builds hello env/flask-1.0
  and 1 more, with those that failed because one they need did
)");
}

TEST(StatusDetailTest, ShowsNoMoreOfEachKindThanAsked) {
  const std::string text = StatusDetail(ReadBatchStatus(testing::RunningBatch()), {100, false}, kNow, 1);
  EXPECT_THAT(text, HasSubstr("django__django-17087"));
  EXPECT_THAT(text, Not(HasSubstr("image/astropy-1")));
  EXPECT_THAT(text, HasSubstr("  and 1 more\n"));
}

TEST(StatusDetailTest, KeepsItsLinesWithinTheTerminal) {
  const std::string text = StatusDetail(ReadBatchStatus(testing::RunningBatch()), {40, false}, kNow);
  EXPECT_THAT(text, HasSubstr("      fork_pool.py waits for a Lock t...\n"));
  EXPECT_THAT(text, HasSubstr("STAGE   TOTAL   WAITING   QUEUED   HE...\n"));
  size_t begin = 0;
  for (size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    EXPECT_TRUE(end - begin <= 40 || text.compare(begin, 16, "      imagebatch") == 0)
        << text.substr(begin, end - begin);
}

TEST(StatusDetailTest, PaintsTheStateOnATerminalAlone) {
  const BatchStatus batch = ReadBatchStatus(testing::RunningBatch());
  EXPECT_THAT(StatusDetail(batch, {100, true}, kNow), HasSubstr("hello in builds: \x1b[31mHung\x1b[0m"));
  EXPECT_THAT(StatusDetail(batch, {100, false}, kNow), Not(HasSubstr("\x1b")));
}

TEST(StatusDetailTest, SaysWhereTheControllerHasNotLooked) {
  auto object = testing::RunningBatch();
  object["metadata"]["generation"] = 4;
  EXPECT_THAT(StatusDetail(ReadBatchStatus(object), {100, false}, kNow),
              HasSubstr("not yet seen the latest change"));
  object.erase("status");
  EXPECT_EQ(StatusDetail(ReadBatchStatus(object), {100, false}, kNow),
            "hello in builds: Pending\n  the controller has not looked at the batch yet; is it running?\n");
}

TEST(StatusDetailTest, TellsWhatHasBecomeOfARetry) {
  auto object = testing::RunningBatch();
  object["status"]["rerun"] = {{"round", 1}, {"message", "3 builds run again"}};
  EXPECT_THAT(StatusDetail(ReadBatchStatus(object), {100, false}, kNow),
              HasSubstr("\n  run again: 3 builds run again\n"));
}

TEST(StatusDetailTest, IsPrintableWhateverTheClusterSays) {
  auto object = testing::RunningBatch();
  object["status"]["hungBuilds"][0]["message"] = "\x1b]0;x\x07 line\nline " + std::string(5000, 'x');
  object["status"]["conditions"][3]["reason"] = "Hung\x1b[2J";
  object["status"]["failedBuilds"][0]["name"] = "\xE2\x80\xAE";
  const std::string text = StatusDetail(ReadBatchStatus(object), {100, false}, kNow);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_LT(text.size(), 4000U);
}

TEST(StatusDetailTest, GivesCommandsThatAShellTakesAsTheyAre) {
  auto object = testing::RunningBatch();
  object["status"]["hungBuilds"][0]["name"] = "a'; rm -rf $HOME #";
  EXPECT_THAT(StatusDetail(ReadBatchStatus(object), {100, false}, kNow),
              HasSubstr(R"(imagebatch evidence -n builds hello 'image/a'\''; rm -rf $HOME #')"
                        "\n"));
}

TEST(StatusDetailTest, ReadsAnythingAsABatch) {
  for (const char* text : {"{}", R"({"status": []})", R"({"metadata": 1, "spec": "x", "status": {"total": "x",
                           "stages": {}, "hungBuilds": [1, null, {"stage": 5}], "conditions": [{}]}})"})
    EXPECT_THAT(StatusDetail(ReadBatchStatus(nlohmann::json::parse(text)), {100, false}, kNow),
                HasSubstr("Pending"));
}

TEST(ProgressBarTest, CountsWhatIsDone) {
  EXPECT_EQ(ProgressBar({}, 10), "[----------] 0%");
  EXPECT_EQ(ProgressBar({.total = 3, .succeeded = 1, .failed = 1}, 10), "[######----] 66%");
  EXPECT_EQ(ProgressBar({.total = 3, .succeeded = 1, .skipped = 2}, 10), "[##########] 100%");
  EXPECT_EQ(ProgressBar({.total = 1, .succeeded = 5}, 10), "[##########] 100%");
}

TEST(StatusLineTest, SaysItInALine) {
  EXPECT_EQ(StatusLine(ReadBatchStatus(testing::RunningBatch()), kNow),
            "hello: Hung, 70 of 100 done, 12 running, 2 failed, 2 hung, 1 stalled; "
            "ends about 2026-11-28T10:20:00Z (in 8m; between 6m and 18m)");
}

}  // namespace
}  // namespace imagebatch::cli
