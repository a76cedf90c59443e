#include "runner/ending.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "runner/report/report.h"

namespace imagebatch::runner {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr hang::TimePoint kStart{std::chrono::seconds(1000)};

std::string State(bool hung, const std::vector<std::string>& waits, const std::vector<std::string>& output) {
  Evidence evidence;
  evidence.waits.sentences = waits;
  evidence.output = output;
  Snapshot snapshot;
  snapshot.clock = {kStart, std::chrono::system_clock::time_point(std::chrono::milliseconds(1767323045006))};
  snapshot.now = kStart + std::chrono::seconds(90);
  if (hung)
    snapshot.verdict = {hang::Finding{hang::Class::Idle, "NoActivity", "for 5 s nothing"}, kStart};
  else
    snapshot.verdict = {std::nullopt, kStart};
  snapshot.progress.signals.fill({true, kStart + std::chrono::seconds(80)});
  snapshot.evidence = &evidence;
  return RenderState(snapshot);
}

const std::string kHungState = State(true, {"pid 7 sleep 9: sleeps 9 s at a time"}, {"the last line"});
const std::string kLiveState = State(false, {"pid 7 cc1: runs"}, {"CC x.o"});

TEST(Ending, OfAHangSaysWhatHappenedSinceWhenAndWhatWasSeen) {
  const auto text = TellEnding(
      {.exit_code = 124, .lasted = std::chrono::seconds(63), .as_hung = true, .state = kHungState});
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, R"(imagebatch-runner: the command hung and was ended after 63 s; exit code 124
  Hung: Idle (NoActivity) since 2026-01-02T03:04:05.006Z
    for 5 s nothing

  What each waits for
    pid 7 sleep 9: sleeps 9 s at a time

  Last output
    the last line
  All of it: imagebatch-runner explain FILE, where FILE has this log)");
}

TEST(Ending, FromOutsideSaysBySomebodyAndWhetherItHung) {
  Ending ending{.exit_code = 143,
                .lasted = std::chrono::minutes(12),
                .told_by = SIGTERM,
                .killed_by = SIGTERM,
                .state = kLiveState};
  auto text = TellEnding(ending);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text,
              StartsWith("imagebatch-runner: ended by SIGTERM from outside after 12 min: the command did "
                         "not hang until then; exit code 143\n  Progressing since "));
  EXPECT_THAT(*text, HasSubstr("\n    last progress 2026-01-02T03:05:25.006Z\n"));
  EXPECT_THAT(*text, HasSubstr("\n    pid 7 cc1: runs\n"));
  EXPECT_THAT(*text, Not(HasSubstr("explain"))) << "the log has no evidence of it";
  ending.state = kHungState;
  ending.lasted = std::chrono::minutes(312);
  text = TellEnding(ending);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text,
              StartsWith("imagebatch-runner: ended by SIGTERM from outside after 5 h 12 min: the command "
                         "hung; exit code 143\n  Hung: Idle"));
}

TEST(Ending, BySignalSaysSoAndWhetherMemoryWasShort) {
  const auto text = TellEnding({.exit_code = 137, .killed_by = SIGKILL, .out_of_memory_kills = 2});
  EXPECT_EQ(text,
            "imagebatch-runner: the command was killed by SIGKILL after 0 s; exit code 137\n"
            "  2 of its processes killed meanwhile, because the container's memory limit was reached");
}

TEST(Ending, OfACommandThatFailedWhileItHungSaysSo) {
  const auto text = TellEnding({.exit_code = 1, .lasted = std::chrono::seconds(5), .state = kHungState});
  ASSERT_TRUE(text);
  EXPECT_THAT(
      *text,
      StartsWith("imagebatch-runner: the command failed after 5 s; it hung until then; exit code 1\n"));
}

TEST(Ending, ByItselfLeavesTheLogAsItIs) {
  EXPECT_EQ(TellEnding({.exit_code = 0}), std::nullopt);
  EXPECT_EQ(TellEnding({.exit_code = 1, .out_of_memory_kills = 1}), std::nullopt);
  EXPECT_EQ(TellEnding({.exit_code = 0, .state = kHungState}), std::nullopt);
  EXPECT_EQ(TellEnding({.exit_code = 0, .told_by = SIGTERM, .state = kLiveState}), std::nullopt);
}

TEST(Ending, IsShortAndPrintableWhateverTheCommandSaid) {
  const std::vector<std::string> many(40, "a\x1b[2J" + std::string(5000, 'x') + "\n::error::");
  const auto text = TellEnding({.exit_code = 124, .as_hung = true, .state = State(true, many, many)});
  ASSERT_TRUE(text);
  EXPECT_LT(std::count(text->begin(), text->end(), '\n'), static_cast<int>(kEndingLines));
  EXPECT_THAT(*text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(*text, Not(HasSubstr("\n::")));
}

}  // namespace
}  // namespace imagebatch::runner
