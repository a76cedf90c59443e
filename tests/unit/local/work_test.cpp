#include "local/work.h"

#include <gmock/gmock.h>

#include "local/log_tail.h"
#include "unit/local/support.h"

namespace imagebatch::local {
namespace {

using nlohmann::json;
using plan::State;
using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Time kStart{hours(400'000)};
constexpr const char* kPod = "{containers: [{name: build, command: [make]}]}";

Now At(int64_t after) { return {kStart + seconds(after), SteadyTime(seconds(after))}; }

std::string Account(const std::string& more) { return R"({"marker":"m4rker")" + more + "}"; }

std::string HungState(const std::string& class_name) {
  return std::string("{") + R"("verdict":"Hung","class":")" + class_name +
         R"(","reason":"NoActivity","message":"nothing for 9 s","since":"2026-01-02T03:04:05.678Z","evidence":{}})";
}
constexpr const char* kGoesOn = R"({"verdict":"Progressing","class":null})";

class WorkTest : public testing::Test {
 protected:
  explicit WorkTest(const std::string& more = "")
      : batch_(
            BatchOf(OneStage("{name: one}, {name: two}, {name: three}", kPod, "  parallelism: 2\n" + more))) {
  }

  void Begin(const std::deque<cluster::ResultKey>& stored = {}) {
    work_.emplace(batch_, ExpansionOf(batch_), stored, Place{"here", "builds/b"});
  }
  std::vector<plan::Start> Start(int64_t at) {
    auto starts = work_->Decide(false, false, At(at));
    for (const plan::Start& start : starts) work_->Started(start, "m4rker", At(at));
    return starts;
  }
  json End(uint32_t build, int exit_code, int64_t at, const std::string& account = "",
           const std::string& state = "", bool past_deadline = false) {
    const Finished finished =
        work_->End(build, {exit_code, account, state, "some\nlast words\n", past_deadline}, kept_, At(at));
    work_->Record(finished);
    lines_.push_back(finished.line);
    return json::parse(finished.line);
  }
  std::string Told() {
    std::string told;
    for (const Story& story : work_->TakeStories()) told += story.text + "\n";
    return told;
  }

  batch::Batch batch_;
  std::optional<Work> work_;
  std::optional<Work::Kept> kept_;
  std::vector<std::string> lines_;
};

class RetryTest : public WorkTest {
 protected:
  RetryTest() : WorkTest("  backoffLimit: 1\n  hang: {action: Retry}\n") {}
};

TEST_F(WorkTest, RunsEachBuildOnceAndSaysSo) {
  Begin();
  EXPECT_THAT(Start(0), SizeIs(2)) << "parallelism";
  const json line = End(0, 0, 5, Account(R"(,"cpuSeconds":3)"));
  EXPECT_EQ(line["status"], "built");
  EXPECT_EQ(line["name"], "one");
  EXPECT_EQ(line["tags"], json::array({"r/x:one"}));
  EXPECT_EQ(line["duration_seconds"], 5);
  EXPECT_EQ(line["cpu_seconds"], 3);
  EXPECT_EQ(line["log_path"], "logs/image/one.1.log");
  EXPECT_EQ(line["node"], "here");
  EXPECT_EQ(Told(), "image/one built in 5.0 s\n");
  EXPECT_THAT(Start(5), SizeIs(1));
  End(1, 0, 6);
  End(2, 0, 7);
  EXPECT_TRUE(work_->Done());
  EXPECT_EQ(work_->Total()[State::Succeeded], 3);
}

TEST_F(WorkTest, GoesOnFromItsOwnLines) {
  Begin();
  Start(0);
  End(0, 0, 5);
  End(1, 1, 6);
  std::deque<cluster::ResultKey> stored;
  for (const std::string& line : lines_) stored.push_back(cluster::ParseResultLine(line).value());
  Begin(stored);
  EXPECT_EQ(work_->Total()[State::Succeeded], 1);
  const auto starts = work_->Decide(false, false, At(1000));
  ASSERT_THAT(starts, SizeIs(2));
  EXPECT_EQ(std::pair(starts[0].build, starts[0].attempt), std::pair(1U, 2));
  EXPECT_EQ(std::pair(starts[1].build, starts[1].attempt), std::pair(2U, 1));
}

TEST_F(WorkTest, AFailureIsTriedAgainAfterItsPauseAndSaysWhatTheLogEndsWith) {
  Begin();
  Start(0);
  const json line = End(0, 3, 5, Account(""));
  EXPECT_EQ(line["status"], "failed");
  EXPECT_EQ(line["error"], "Error: the command ended with exit code 3; its log ends with: last words");
  EXPECT_EQ(line["log_end"], "some\nlast words\n");
  EXPECT_EQ(line["cause"], "Build");
  EXPECT_THAT(Told(), HasSubstr("log: builds/b/logs/image/one.1.log; it is tried again"));
  EXPECT_THAT(Start(6), SizeIs(1)) << "the third";
  End(1, 0, 7);
  EXPECT_THAT(Start(8), IsEmpty());
  const auto next = work_->Next();
  ASSERT_TRUE(next);
  EXPECT_GE(*next, kStart + seconds(15));
  EXPECT_LE(*next, kStart + seconds(20)) << "up to half as long again";
  EXPECT_THAT(Start(20), SizeIs(1));
}

TEST_F(WorkTest, AVerdictIsToldOnceWithItsEvidence) {
  Begin();
  Start(0);
  const auto kept = work_->Saw(0, HungState("Idle"), At(10));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->path, "evidence/image/one.1.json");
  EXPECT_THAT(kept->text, HasSubstr("nothing for 9 s"));
  EXPECT_FALSE(work_->Saw(0, HungState("Idle"), At(11)));
  EXPECT_EQ(
      Told(),
      "image/one hangs (Idle, NoActivity): nothing for 9 s; evidence: builds/b/evidence/image/one.1.json\n");
  EXPECT_EQ(work_->Look().hung, 1);
  EXPECT_EQ(work_->Sample().hung_by_class.at("Idle"), 1);
  EXPECT_FALSE(work_->Saw(0, "", At(12))) << "a state that cannot be read is no news";
  EXPECT_EQ(work_->hung(), 1U);
  EXPECT_FALSE(work_->Saw(0, kGoesOn, At(13)));
  EXPECT_EQ(Told(), "image/one makes progress again\n");
  EXPECT_EQ(work_->hung(), 0U);
  const json line = End(0, 0, 20, Account(R"(,"verdictCounts":{"Idle":1})"), kGoesOn);
  EXPECT_EQ(line["class"], nullptr);
  EXPECT_EQ(line["hangs"]["Idle"], 1);
}

TEST_F(RetryTest, WhatWasEndedBecauseItHungIsAHang) {
  Begin();
  Start(0);
  const std::string account = Account(
      R"(,"verdict":"Hung","class":"Deadlock","reason":"WaitCycle","message":"they wait","since":"2026-01-02T03:04:05Z")");
  const json line = End(0, 124, 5, account, HungState("Deadlock"));
  EXPECT_EQ(line["cause"], "Hang");
  EXPECT_EQ(line["class"], "Deadlock");
  EXPECT_EQ(line["evidence_record"], "evidence/image/one.1.json");
  ASSERT_TRUE(kept_) << "its evidence was not seen before";
  EXPECT_EQ(work_->ended_by_hang(), 0) << "it is tried again";
  Start(100);
  End(0, 124, 105, account, HungState("Deadlock"));
  EXPECT_EQ(work_->ended_by_hang(), 1);
}

TEST_F(WorkTest, IsStuckOnceAllThatRunsHangsAndIsOnlyFlagged) {
  Begin();
  Start(0);
  EXPECT_FALSE(work_->Stuck());
  (void)work_->Saw(0, HungState("Idle"), At(10));
  EXPECT_FALSE(work_->Stuck()) << "the other goes on";
  (void)work_->Saw(1, HungState("Idle"), At(10));
  EXPECT_TRUE(work_->Stuck()) << "they hold all places";
  (void)work_->Saw(1, kGoesOn, At(11));
  EXPECT_FALSE(work_->Stuck());
}

TEST_F(RetryTest, IsNotStuckWhereAHungBuildIsEnded) {
  Begin();
  Start(0);
  (void)work_->Saw(0, HungState("Idle"), At(10));
  (void)work_->Saw(1, HungState("Idle"), At(10));
  EXPECT_FALSE(work_->Stuck());
}

TEST_F(WorkTest, WhatIsCutShortNeverWas) {
  Begin();
  Start(0);
  (void)work_->Saw(0, HungState("Idle"), At(10));
  work_->CutShort(0, At(11));
  work_->CutShort(1, At(11));
  EXPECT_EQ(work_->hung(), 0U);
  EXPECT_EQ(work_->live(), 0U);
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(WorkTest, PastTheDeadlineNothingSucceeds) {
  Begin();
  Start(0);
  EXPECT_THAT(work_->Decide(false, true, At(5)), IsEmpty());
  const json line = End(0, 0, 6, Account(""), "", true);
  EXPECT_EQ(line["reason"], "DeadlineExceeded");
  End(1, 143, 6, Account(""), "", true);
  EXPECT_TRUE(work_->Done()) << "the third has failed too";
  EXPECT_EQ(work_->Total()[State::Failed], 3);
}

TEST_F(WorkTest, WhatCannotBeStartedIsAFaultOfThisMachineUnlessItsDirectoryIsMissing) {
  Begin();
  const auto starts = work_->Decide(false, false, At(0));
  const Finished machine = work_->NotStarted(starts.at(0), "cannot start a process", false, At(0));
  EXPECT_EQ(json::parse(machine.line)["cause"], "Infrastructure");
  const Finished build = work_->NotStarted(starts.at(1), "workingDir /x: No such file", true, At(0));
  EXPECT_EQ(json::parse(build.line)["cause"], "Build");
  EXPECT_EQ(json::parse(build.line)["error"], "StartError: workingDir /x: No such file");
}

TEST_F(WorkTest, ABuildCannotSpeakForTheRunner) {
  Begin();
  Start(0);
  const json line = End(0, 1, 5, R"({"marker":"guessed","verdict":"Hung","class":"Idle","cpuSeconds":9})");
  EXPECT_FALSE(line.contains("cpu_seconds"));
  EXPECT_EQ(line["cause"], "Build");
}

TEST(LogTailTest, HidesSecretsAndTheMarker) {
  EXPECT_EQ(LogTail("a --password=x\nm\x01rk m4rk\n", "m4rk"), "a --password=***\nm?rk ***\n");
}

TEST(LogTailTest, TakesWholeLinesWithoutTheRunnersOwn) {
  EXPECT_EQ(LastLines("first\nsecond\n{\"imagebatch\":\"line\"}\nthird\n", 14), "second\nthird\n");
}

}  // namespace
}  // namespace imagebatch::local
