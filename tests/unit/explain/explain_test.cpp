// What the runner really writes, as text.
#include "explain/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "explain/sheet.h"
#include "runner/report/report.h"

namespace imagebatch::explain {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr hang::TimePoint kStart{std::chrono::seconds(1000)};

class OfEvidence : public ::testing::Test {
 protected:
  OfEvidence() {
    evidence_.deadlock = {"pid 7 pool.py: its only thread waits for itself"};
    evidence_.stacks.groups = {
        {.pids = {5}, .python = "3.9", .threads = {{"main", "b.py:1 idle", ""}}, .more_threads = 0},
        {.pids = {7, 9},
         .python = "3.11.2",
         .threads = {{"main", "pool.py:34 emit `with lock:` < pool.py:87 <module>",
                      "a Lock held by thread 8"}},
         .more_threads = 0}};
    evidence_.stacks.not_read = {"pid 10: its memory cannot be read: Permission denied"};
    runner::ProcessEvidence process;
    process.pid = 7;
    process.state = 'S';
    process.system_call = "futex";
    process.cpu_seconds = 1.5;
    process.command = "python3 pool.py";
    evidence_.processes = {process};
    evidence_.output = {"the last line"};
    evidence_.fingerprint = "0123456789ab";
    evidence_.summary = "pool.py waits at `with lock:` in emit for a Lock";
    snapshot_.clock = {kStart,
                       std::chrono::system_clock::time_point(std::chrono::milliseconds(1767323045006))};
    snapshot_.now = kStart + std::chrono::seconds(90);
    snapshot_.verdict = {hang::Finding{hang::Class::Deadlock, "WaitCycle", "2 processes wait"}, kStart};
    snapshot_.progress.signals.fill({true, kStart});
    snapshot_.phase = "[2/5] RUN make";
    snapshot_.evidence = &evidence_;
  }

  std::string Line() const { return runner::RenderLogLine(snapshot_, "marker"); }

  runner::Evidence evidence_;
  runner::Snapshot snapshot_;
};

TEST_F(OfEvidence, SaysWhatEachWaitsForAndWhatTheOutputRepeats) {
  evidence_.deadlock.clear();
  evidence_.waits.sentences = {"pid 7 curl: waits for data from TCP 10.0.0.5:443 (established)"};
  evidence_.repeats.sentences = {"the line \"no answer\" came 312 times since 12:03:10 UTC"};
  EXPECT_THAT(Explain(Line()).value_or(""), HasSubstr(R"(
What each waits for
  pid 7 curl: waits for data from TCP 10.0.0.5:443 (established)

What it says again and again
  the line "no answer" came 312 times since 12:03:10 UTC
)"));
}

TEST_F(OfEvidence, IsOnOneScreen) {
  EXPECT_EQ(Explain(Line()), R"(Hung: Deadlock (WaitCycle) since 2026-01-02T03:04:05.006Z
  2 processes wait
  alike: pool.py waits at `with lock:` in emit for a Lock (0123456789ab)
  in [2/5] RUN make

Who waits for whom
  pid 7 pool.py: its only thread waits for itself

Where they stand
  2 processes alike: pids 7, 9 (Python 3.11.2)
    main: pool.py:34 emit `with lock:` < pool.py:87 <module>
      waits for a Lock held by thread 8
  pid 5 (Python 3.9)
    main: b.py:1 idle
  not read: pid 10: its memory cannot be read: Permission denied

Processes
  pid 7  S  futex  1.5 s CPU  python3 pool.py

Last output
  the last line
)");
}

TEST_F(OfEvidence, IsReadFromWhateverHoldsIt) {
  EXPECT_EQ(Explain(runner::RenderState(snapshot_)), Explain(Line()));
  const auto account = Explain(runner::RenderResult(snapshot_, {}, "marker", 4096));
  ASSERT_TRUE(account);
  EXPECT_THAT(*account, HasSubstr("waits for a Lock held by thread 8"));
  const std::string log = "{\"imagebatch\":\"evidence\",\"verdict\":\"Hung\"}\nx\n" + Line() +
                          "\nx {\"imagebatch\":\"evidence\"\n";
  EXPECT_EQ(Explain(log), Explain(Line())) << "the last line of the runner in a log";
}

TEST_F(OfEvidence, IsNothingWhereThereIsNone) {
  EXPECT_FALSE(Explain(""));
  EXPECT_FALSE(Explain("building\ndone\n"));
  EXPECT_FALSE(Explain("[]"));
  EXPECT_FALSE(Explain("{\"a\":1}"));
  EXPECT_FALSE(Explain(std::string(100'000, '[')));
}

TEST_F(OfEvidence, IsPrintableAndBounded) {
  const std::string wild = "\x1b[31m" + std::string(700, 'x') + "\x01 ";
  for (int index = 0; index < 60; ++index) {
    evidence_.deadlock.push_back(wild);
    evidence_.output.push_back(wild);
    evidence_.stacks.groups.push_back(evidence_.stacks.groups[1]);
    evidence_.stacks.groups.back().threads[0].at = wild;
  }
  const auto text = Explain(Line());
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, Not(HasSubstr("\x1b")));
  std::istringstream lines(*text);
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(line.size(), kColumns);
  EXPECT_LE(count, kMostLines);
}

/// Members of any kind where others are expected.
TEST_F(OfEvidence, SurvivesWhateverStandsInIt) {
  std::mt19937 random(3);
  const std::string line = Line();
  for (int round = 0; round < 3000; ++round) {
    std::string changed = line;
    for (int change = 0; change < 4; ++change) {
      const char* const parts[] = {"null", "[]", "{}", "1", "\"\"", ",", ":", "\\"};
      changed.replace(random() % changed.size(), random() % 12, parts[random() % 8]);
    }
    const auto text = Explain(changed);
    EXPECT_TRUE(!text || !text->empty());
  }
  for (const char* part : {"null", "[]", "{}", "1", "\"x\"", "[null]", "[1,{}]"}) {
    for (const char* name : {"evidence", "stacks", "processes", "output", "deadlock", "stacksNotRead"}) {
      const std::string member = "\"" + std::string(name) + "\":" + part;
      EXPECT_TRUE(Explain("{\"verdict\":\"Hung\",\"evidence\":{" + member + "}," + member + "}"));
    }
  }
}

TEST(Sheet, WrapsBetweenWords) {
  Sheet sheet(12);
  sheet.Add(2, "one two three four");
  sheet.AddCut(2, "one two three four");
  sheet.Add(2, "aaaaaaaaaaaaaaaa");
  sheet.Add(0, "");
  EXPECT_EQ(sheet.Text(99), "  one two\n    three\n    four\n  one two...\n  aaaaaaaaaa\n    aaaaaa\n\n");
  EXPECT_EQ(sheet.Text(2), "  one two\n(6 more lines)\n");
}

}  // namespace
}  // namespace imagebatch::explain
