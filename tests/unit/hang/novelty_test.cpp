#include "hang/novelty.h"

#include <gtest/gtest.h>

#include <string>

namespace imagebatch::hang {
namespace {

/// How often `text` says something new after what `novelty` has read before.
uint64_t News(Novelty& novelty, const std::string& text) {
  const uint64_t before = novelty.Count();
  novelty.Renew();
  novelty.Add(0, text);
  return novelty.Count() - before;
}

TEST(Novelty, ALineIsNewOnce) {
  Novelty novelty;
  EXPECT_EQ(News(novelty, "compiling a\n"), 1U);
  EXPECT_EQ(News(novelty, "compiling b\n"), 1U);
  EXPECT_EQ(News(novelty, "compiling a\ncompiling b\n"), 0U);
  novelty.Add(1, "compiling a\n");
  EXPECT_EQ(novelty.Count(), 2U) << "on the other stream too";
}

TEST(Novelty, RepeatedErrorsWithACounterAreNotNew) {
  Novelty novelty;
  EXPECT_EQ(News(novelty, "attempt 1 failed: connection refused\n"), 1U);
  for (int attempt = 2; attempt < 5000; ++attempt)
    ASSERT_EQ(News(novelty, "attempt " + std::to_string(attempt) + " failed: connection refused\n"), 0U);
}

TEST(Novelty, AnAdvancingPercentageIsNewAndAFrozenOneIsNot) {
  Novelty novelty;
  News(novelty, "Extracting 10% elapsed 0:01\r");
  EXPECT_EQ(News(novelty, "Extracting 11% elapsed 0:02\r"), 1U);
  EXPECT_EQ(News(novelty, "Extracting 11% elapsed 0:03\r"), 0U);
  EXPECT_EQ(News(novelty, "Extracting 9% elapsed 0:04\r"), 0U);
  EXPECT_EQ(News(novelty, "Extracting 12% elapsed 0:05\r"), 1U);
}

std::string Bar() {
  std::string bar;
  for (int percent = 0; percent <= 100; ++percent) bar += "Downloading " + std::to_string(percent) + "%\r";
  return bar + "\n";
}

TEST(Novelty, ABarThatIsDrawnAgainIsNotNew) {
  Novelty novelty;
  EXPECT_EQ(News(novelty, Bar() + "checksum mismatch, trying again\n"), 102U);
  EXPECT_EQ(News(novelty, Bar() + "checksum mismatch, trying again\n"), 0U);
}

TEST(Novelty, ABarOfAnotherDownloadIs) {
  Novelty novelty;
  News(novelty, Bar());
  EXPECT_EQ(News(novelty, "Collecting scipy\nUsing scipy.whl\n"), 2U);
  EXPECT_EQ(News(novelty, Bar()), 100U);
}

TEST(Novelty, BytesThatGrowAreNew) {
  Novelty novelty;
  News(novelty, "#7 sha256:4f4fb700ef54 10.00MB / 900.00MB 1s\n");
  EXPECT_EQ(News(novelty, "#7 sha256:4f4fb700ef54 10.31MB / 900.00MB 2s\n"), 1U);
  EXPECT_EQ(News(novelty, "#7 sha256:4f4fb700ef54 10.31MB / 900.00MB 3s\n"), 0U);
  EXPECT_EQ(News(novelty, "#7 sha256:aaaaa700ef54 1.00MB / 900.00MB 3s\n"), 0U)
      << "the start of another layer";
  EXPECT_EQ(News(novelty, "#7 sha256:aaaaa700ef54 2.00MB / 900.00MB 3s\n"), 1U);
}

TEST(Novelty, SpinnersSayNothing) {
  Novelty novelty;
  News(novelty, "\r\x1B[K\xE2\xA0\x8B reify:lodash: timing reifyNode\r");
  EXPECT_EQ(News(novelty, "\r\x1B[K\xE2\xA0\x99 reify:lodash: timing reifyNode\r"), 0U);
  News(novelty, "Solving environment:  ");
  std::string turns;
  for (int turn = 0; turn < 5000; ++turn) turns += "\b|\b/\b-\b\\";
  EXPECT_LE(News(novelty, turns), 1U) << "the line itself once";
  EXPECT_EQ(News(novelty, turns), 0U);
}

TEST(Novelty, MarksAreSeenWhereALineGrowsByThemAlone) {
  Novelty novelty;
  News(novelty, "tests/test_models.py ");
  EXPECT_EQ(novelty.Marks(), 0U);
  News(novelty, ".");
  News(novelty, "F.s");
  novelty.Renew();
  EXPECT_EQ(novelty.Marks(), 2U);
  novelty.Renew();
  EXPECT_EQ(novelty.Marks(), 2U) << "nothing came";
  News(novelty, " and more");
  novelty.Renew();
  EXPECT_EQ(novelty.Marks(), 2U) << "not marks alone";
  News(novelty, "\n");
  News(novelty, "...");
  novelty.Renew();
  EXPECT_EQ(novelty.Marks(), 2U) << "the line was not there before";
}

TEST(Novelty, ACounterThatGrowsIsAMarkAndNothingNew) {
  Novelty novelty;
  News(novelty, "layer 50: done\n");
  EXPECT_EQ(News(novelty, "layer 100: done\nlayer 150: done\nlayer 150: done\nlayer 1: done\n"), 0U);
  EXPECT_EQ(novelty.Marks(), 2U);
}

TEST(Novelty, DoesNotDependOnHowTheBytesAreSplit) {
  std::string text = "one\r\ntwo\rthree 5%\rthree 6%\n" + std::string(10'000, 'y') + " end\nfour";
  text += std::string(Novelty::kBudgetBytes, 'z') + "\nnot read any more\n";
  Novelty whole;
  whole.Add(0, text);
  for (size_t size : {1UL, 2UL, 3UL, 7UL, 4095UL, 4096UL, 4097UL, 65'536UL}) {
    Novelty parts;
    for (size_t at = 0; at < text.size(); at += size) parts.Add(0, std::string_view(text).substr(at, size));
    EXPECT_EQ(parts.Count(), whole.Count()) << size;
  }
}

TEST(Novelty, ReadsSoMuchInEachPeriod) {
  Novelty novelty;
  const std::string repeated = "the same error\n";
  News(novelty, repeated);
  std::string flood;
  while (flood.size() < Novelty::kBudgetBytes) flood += repeated;
  novelty.Renew();
  novelty.Add(0, flood);
  novelty.Add(0, "something else, unread\nstarted");
  EXPECT_EQ(novelty.Count(), 1U);
  EXPECT_EQ(News(novelty, " before the period\n"), 0U) << "its start was not read";
  EXPECT_EQ(News(novelty, "in the next one\n"), 1U);
}

TEST(Novelty, ForgetsTheOldestLinesOnly) {
  SeenLines seen;
  for (uint64_t line = 1; line <= 10 * SeenLines::kHalf; ++line) ASSERT_TRUE(seen.Insert(line << 20));
  for (uint64_t line = 9 * SeenLines::kHalf + 1; line <= 10 * SeenLines::kHalf; ++line)
    ASSERT_FALSE(seen.Insert(line << 20));
  EXPECT_TRUE(seen.Insert(uint64_t{1} << 20));
}

}  // namespace
}  // namespace imagebatch::hang
