#include "cluster/store/hang_counts.h"

#include <gtest/gtest.h>

#include "cluster/store/result_line.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::seconds;

Verdict Found(const char* class_name, int since) {
  return {Verdict::Kind::Hang, class_name, "NoActivity", "", Time(seconds(since))};
}

Outcome Ended(const json& runner, const char* class_name = "") {
  Outcome outcome;
  outcome.class_name = class_name;
  outcome.runner = runner;
  return outcome;
}

int64_t Sum(const HangCounts& counts) {
  int64_t sum = 0;
  for (const auto& [class_name, count] : counts.total()) sum += count;
  return sum;
}

TEST(HangCountsTest, EveryClassIsThereFromZero) {
  const HangsByClass none = {{"Busy", 0},    {"Deadline", 0}, {"Deadlock", 0},  {"Idle", 0},
                             {"Looping", 0}, {"Overdue", 0},  {"Unobserved", 0}};
  EXPECT_EQ(HangCounts().total(), none);
}

TEST(HangCountsTest, AVerdictCountsOnceHoweverOftenItIsTold) {
  HangCounts counts;
  for (int i = 0; i < 3; ++i) counts.Seen("a", Found("Idle", 60));
  counts.Seen("b", Found("Idle", 60));
  counts.Seen("a", Found("Idle", 900));  // it went on for a while
  EXPECT_EQ(counts.total().at("Idle"), 3);
  EXPECT_EQ(Sum(counts), 3);
}

TEST(HangCountsTest, TheRunnerKnowsOfHangsThatNobodySaw) {
  HangCounts counts;
  counts.Seen("a", Found("Idle", 60));
  const auto hangs = counts.End("a", Ended({{"verdictCounts", {{"Idle", 3}, {"Busy", 1}}}}));
  EXPECT_EQ(hangs, (HangsByClass{{"Idle", 3}, {"Busy", 1}}));
  EXPECT_EQ(counts.total().at("Idle"), 3);
  EXPECT_EQ(Sum(counts), 4);
}

TEST(HangCountsTest, WhatWasSeenFromHereCountsWithoutTheRunnersWord) {
  HangCounts counts;
  counts.Seen("a", Found("Unobserved", 60));
  EXPECT_EQ(counts.End("a", Ended(nullptr)), (HangsByClass{{"Unobserved", 1}}));
  EXPECT_EQ(counts.End("never seen", Ended(nullptr, "Deadlock")), (HangsByClass{{"Deadlock", 1}}));
  EXPECT_EQ(counts.End("never hung", Ended({{"verdictCounts", json::object()}})), HangsByClass{});
  EXPECT_EQ(Sum(counts), 2);
}

TEST(HangCountsTest, TheTotalNeverFallsWhileTheProcessLives) {
  HangCounts counts;
  counts.Seen("a", Found("Idle", 60));
  counts.Seen("a", Found("Idle", 900));
  counts.End("a", Ended({{"verdictCounts", {{"Idle", 1}}}}));  // cut off, or older than what was seen
  EXPECT_EQ(counts.total().at("Idle"), 2);
}

TEST(HangCountsTest, ARestartRebuildsTheTotalFromTheResultLines) {
  HangCounts before, after;
  before.Seen("a", Found("Idle", 60));
  ResultSubject subject{"image", "x", "r/x:1", "hash", "a", 1, std::nullopt};
  subject.hangs = before.End("a", Ended({{"verdictCounts", {{"Idle", 2}, {"Looping", 1}}}}));
  const auto key = ParseResultLine(ResultLine(subject, Ended(nullptr), Time(seconds(1))));
  ASSERT_TRUE(key);
  after.Stored(key->hangs);
  EXPECT_EQ(after.total(), before.total());
}

TEST(HangCountsTest, AForgedAccountIsBoundedAndCannotInventClasses) {
  EXPECT_EQ(
      HangsOf(
          {{"Idle", 1e300}, {"Busy", int64_t{1} << 60}, {"Looping", -5}, {"x\ny", 1}, {"Deadlock", "many"}}),
      (HangsByClass{{"Busy", 1000}}));
  EXPECT_EQ(HangsOf(json::array({1})), HangsByClass{});
  HangCounts counts;
  for (int i = 0; i < 3000; ++i) counts.Seen("a", Found("Idle", i + 1));
  EXPECT_EQ(counts.total().at("Idle"), 1000);
  EXPECT_EQ(counts.End("a", Ended(nullptr)).at("Idle"), 1000);
  EXPECT_EQ(counts.total().at("Idle"), 1000);
}

}  // namespace
}  // namespace imagebatch::cluster
