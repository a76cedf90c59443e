#include "hang/novelty.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>

namespace imagebatch::hang {
namespace {

using std::chrono::milliseconds;

const TimePoint kNow{std::chrono::seconds(1000)};

/// How often `text` says something new after what `novelty` has read before.
uint64_t News(Novelty& novelty, const std::string& text, TimePoint now = kNow) {
  const uint64_t before = novelty.So().news;
  novelty.Renew(now);
  novelty.Add(0, text, now);
  return novelty.So().news - before;
}

uint64_t Counted(const Novelty& novelty) { return novelty.So().marks + novelty.So().ticks; }

TEST(Novelty, ALineIsNewOnce) {
  Novelty novelty;
  EXPECT_EQ(News(novelty, "compiling a\n"), 1U);
  EXPECT_EQ(News(novelty, "compiling b\n"), 1U);
  EXPECT_EQ(News(novelty, "compiling a\ncompiling b\n"), 0U);
  novelty.Add(1, "compiling a\n", kNow);
  EXPECT_EQ(novelty.So().news, 2U) << "on the other stream too";
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
  EXPECT_LE(News(novelty, turns), 3U) << "the line itself once, and its words";
  EXPECT_EQ(News(novelty, turns), 0U);
}

TEST(Novelty, MarksAreSeenWhereALineGrowsByThemAlone) {
  Novelty novelty;
  News(novelty, "tests/test_models.py ");
  EXPECT_EQ(Counted(novelty), 0U);
  News(novelty, ".");
  News(novelty, "F.s");
  novelty.Renew(kNow);
  EXPECT_EQ(Counted(novelty), 2U);
  novelty.Renew(kNow);
  EXPECT_EQ(Counted(novelty), 2U) << "nothing came";
  News(novelty, " and more");
  novelty.Renew(kNow);
  EXPECT_EQ(Counted(novelty), 2U) << "not marks alone";
  News(novelty, "\n");
  News(novelty, "...");
  novelty.Renew(kNow);
  EXPECT_EQ(Counted(novelty), 2U) << "the line was not there before";
}

TEST(Novelty, ACounterThatGrowsIsAMarkAndNothingNew) {
  Novelty novelty;
  News(novelty, "layer 50: done\n");
  EXPECT_EQ(News(novelty, "layer 100: done\nlayer 150: done\nlayer 150: done\nlayer 1: done\n"), 0U);
  EXPECT_EQ(Counted(novelty), 2U);
}

TEST(Novelty, ARatioWhoseTotalMovesAwayIsAMark) {
  Novelty novelty;
  News(novelty, "done 12 of 13\n");
  EXPECT_EQ(News(novelty, "done 13 of 14\ndone 14 of 15\ndone 15 of 16\n"), 0U);
  EXPECT_EQ(Counted(novelty), 3U);
  EXPECT_EQ(News(novelty, "done 16 of 900\n"), 0U) << "another total";
  EXPECT_EQ(News(novelty, "done 17 of 900\n"), 1U) << "and it comes nearer";
}

TEST(Novelty, AGaugeSaysNothingHoweverItCreeps) {
  for (const char* line :
       {"[monitor] alive; rss %.1f MB, log %.1f kB\n", "mem %.1f/2048.0 MB disk %.1f%% used\n",
        "Memory usage: %.1f%%, swap: %.1f%%\n", "overlay %.1fG %.1fG 57G 43%% /\n",
        "build 0.05%% %.1fMiB / 7.6GiB 0.15%% %.1fkB / 0B\n", "heap used: %.1f MB of %.1f MB\n",
        "GC pause %.1fM->%.1fM(256M)\n", "waited, minute %.0f/60, %.1f%% of the time limit\n",
        "cpu=%.1f%% ram=%.1f%%\n", "stats: %.0f/1000 connections, cache hit rate %.1f%%\n",
        "disk usage on /var/lib: %.1f%% (inodes %.1f%%)\n", "elapsed: %.0f/3600, %.1f%% elapsed\n"}) {
    Novelty novelty;
    char text[200];
    snprintf(text, sizeof text, line, 10.0, 12.0);
    News(novelty, text);
    for (int turn = 1; turn < 40; ++turn) {
      snprintf(text, sizeof text, line, 10.0 + turn, 12.0 + turn / 10.0);
      ASSERT_EQ(News(novelty, text), 0U) << text;
    }
    EXPECT_EQ(novelty.So().marks, 0U) << line;
  }
}

TEST(Novelty, WhatIsTransferredIsNoGauge) {
  for (const char* line :
       {"Extracting %.1f%%\n", "Downloading torch: %.1f/797.2 MB\n", "%.0f bytes (1.2 MB) copied\n",
        "Sending build context to Docker daemon  %.1fMB\n", "Converting disk image: %.1f%%\n",
        "Downloading memory_profiler %.1f%%\n", "[%.0f/500] Linking\n", "Receiving objects: %.0f%%\n",
        "%.1fMiB 0:00:10 [3.2MiB/s]\n", "#5 transferring context: %.1fMB 5.1s\n",
        "Writing layer to disk: %.1f%%\n", "Loading memory snapshot %.1f MB\n", "%.1f%%\n"}) {
    Novelty novelty;
    char text[200];
    snprintf(text, sizeof text, line, 10.0);
    News(novelty, text);
    for (int turn = 1; turn < 40; ++turn) {
      snprintf(text, sizeof text, line, 10.0 + turn);
      ASSERT_EQ(News(novelty, text), 1U) << text;
    }
  }
}

TEST(Novelty, WhatIsDrawnAtRandomIsTakenBack) {
  Novelty novelty;
  EXPECT_EQ(News(novelty, "cannot write perm_test_QZKFWXVBTNJHQPLM, retrying\n"), 1U);
  EXPECT_EQ(News(novelty,
                 "cannot write perm_test_BVXZQWJKPTNFGHRD, retrying\n"
                 "cannot write perm_test_XKJQWVZMPLRTGBNH, retrying\n"
                 "cannot write perm_test_HJQXVZKWPDLMTNBG, retrying\n"
                 "cannot write perm_test_VQKZJXWHPLDTRMNB, retrying\n"),
            0U);
  EXPECT_GE(novelty.So().doubts, 1U);
  EXPECT_EQ(novelty.So().withdrawals, 1U);
  EXPECT_EQ(News(novelty, "cannot write settings.json, giving up\n"), 1U);
}

TEST(Novelty, AnUnfinishedLineThatGrowsByWordsSaysSomething) {
  Novelty novelty;
  News(novelty, "installing: ");
  uint64_t news = 0;
  for (const char* word : {"zlib ", "openssl ", "curl ", "tzdata ", "perl ", "git "}) {
    news += News(novelty, word);
  }
  EXPECT_EQ(news, 6U) << "each when the next one has come, and the first words";
  news = 0;
  for (int turn = 0; turn < 5; ++turn) news += News(novelty, "curl, git ... ");
  EXPECT_LE(news, 1U) << "words that were there";
}

TEST(Novelty, ABarThatIsReadInPartsIsNotNewWhenItIsDrawnAgain) {
  Novelty novelty;
  const auto draw = [&novelty] {
    uint64_t news = 0;
    for (int percent = 0; percent <= 100; percent += 5) {
      news += News(novelty, "\rDownloading layer: " + std::to_string(percent) + "% ");
    }
    return news + News(novelty, "\nchecksum mismatch, trying again\n");
  };
  EXPECT_GE(draw(), 20U);
  EXPECT_EQ(draw(), 0U);
}

TEST(Novelty, PercentagesOnOneLineGrow) {
  Novelty novelty;
  News(novelty, "0%...");
  News(novelty, "10%...");
  News(novelty, "20%...");
  EXPECT_EQ(News(novelty, "30%..."), 1U);
  EXPECT_EQ(News(novelty, "40%..."), 1U);
}

/// A counter on lines of its own, once in `every`, with `late` more after every second one.
Said Counting(milliseconds every, milliseconds late, int step) {
  Novelty novelty;
  TimePoint now = kNow;
  for (int turn = 1; turn < 30; ++turn) {
    News(novelty, "round " + std::to_string(turn * step) + "\n", now);
    now += every + (turn % 2) * late;
  }
  return novelty.So();
}

TEST(Novelty, ACounterWithThePaceOfAClockTicks) {
  for (const milliseconds every : {milliseconds(100), milliseconds(1000), milliseconds(30'000)}) {
    for (const int step : {1, 5, 1000}) {
      EXPECT_EQ(Counting(every, milliseconds(0), step).marks, 0U) << every.count() << " " << step;
      EXPECT_EQ(Counting(every, every / 10, step).marks, 0U) << "a little late each time";
      EXPECT_EQ(Counting(every, milliseconds(0), step).ticks, 28U);
    }
  }
  EXPECT_GE(Counting(milliseconds(1000), milliseconds(2000), 1).marks, 20U);
}

// Two of them fall into one sum, or three, and which is chance.
TEST(Novelty, ACounterThatBeatsSeveralTimesASecondTicks) {
  Novelty novelty;
  TimePoint now = kNow;
  for (int turn = 1; turn < 100; ++turn) {
    News(novelty, "poll " + std::to_string(turn) + "\n", now);
    now += milliseconds(turn % 5 < 2 ? 251 : 249);
  }
  EXPECT_EQ(novelty.So().marks, 0U);
}

TEST(Novelty, ACounterThatGrowsUnevenlySeveralTimesASecondMarks) {
  Novelty novelty;
  TimePoint now = kNow;
  constexpr int kWork[] = {20, 500, 50, 100, 20, 200, 900, 50, 20, 100, 50};
  for (int turn = 1; turn < 200; ++turn) {
    News(novelty, "file " + std::to_string(turn) + ": done\n", now);
    now += milliseconds(kWork[turn % 11]);
  }
  EXPECT_GE(novelty.So().marks, 100U);
}

// Ten a second, as it happens: the sums of many are nearly equal, and are no clock's.
TEST(Novelty, ACounterOfMuchWorkThatIsDoneElsewhereMarks) {
  Novelty novelty;
  TimePoint now = kNow;
  std::mt19937 random(1);
  std::exponential_distribution<double> pause(10);
  for (int turn = 1; turn < 300; ++turn) {
    News(novelty, "test " + std::to_string(turn) + " ok\n", now);
    now += milliseconds(1 + static_cast<int>(1000 * pause(random)));
  }
  EXPECT_GE(novelty.So().marks, 150U);
}

TEST(Repeats, AreTheLinesOfTheCycleWithTheirCounts) {
  Novelty novelty;
  TimePoint now = kNow;
  News(novelty, "made the first\nmade the second\n", now);
  for (int turn = 0; turn < 20; ++turn) {
    now += std::chrono::seconds(1);
    News(novelty, "asking\nno answer from 10.0.0." + std::to_string(turn) + "\nasking\n", now);
  }
  const Repeats::Cycle cycle = novelty.Repeated().Since(kNow + std::chrono::seconds(5));
  ASSERT_EQ(cycle.lines.size(), 2U);
  EXPECT_EQ(cycle.lines[0].text, "asking");
  EXPECT_EQ(cycle.lines[0].times, 40U);
  EXPECT_EQ(cycle.lines[0].first, kNow + std::chrono::seconds(1));
  EXPECT_EQ(cycle.lines[1].text, "no answer from 10.0.0.19");
  EXPECT_EQ(cycle.lines[1].times, 20U);
  EXPECT_FALSE(cycle.at_least);
}

TEST(Repeats, SayWhenThereWasMoreThanWasRead) {
  Novelty novelty;
  std::string flood;
  while (flood.size() <= 2 * Novelty::kBudgetBytes) flood += "the same error\n";
  novelty.Renew(kNow);
  novelty.Add(0, flood, kNow);
  EXPECT_TRUE(novelty.Repeated().Since(kNow).at_least);
}

TEST(Repeats, KeepTheNewestKindsOfLinesAlone) {
  Repeats repeats;
  for (uint64_t line = 0; line < 1000; ++line) repeats.Add(line, std::string(1000, 'x'), kNow);
  EXPECT_TRUE(repeats.Since(kNow).lines.empty());
  EXPECT_TRUE(repeats.Since(kNow).at_least);
  EXPECT_FALSE(repeats.Since(kNow + std::chrono::seconds(1)).at_least);
  repeats.Add(999, std::string(1000, 'x'), kNow);
  ASSERT_EQ(repeats.Since(kNow).lines.size(), 1U);
  EXPECT_EQ(repeats.Since(kNow).lines[0].text.size(), Repeats::kBytes);
}

TEST(Novelty, DoesNotDependOnHowTheBytesAreSplit) {
  std::string text = "one\r\ntwo\rthree 5%\rthree 6%\n" + std::string(10'000, 'y') + " end\nfour";
  text += std::string(Novelty::kBudgetBytes, 'z') + "\nnot read any more\n";
  Novelty whole;
  whole.Add(0, text, kNow);
  for (size_t size : {1UL, 2UL, 3UL, 7UL, 4095UL, 4096UL, 4097UL, 65'536UL}) {
    Novelty parts;
    for (size_t at = 0; at < text.size(); at += size)
      parts.Add(0, std::string_view(text).substr(at, size), kNow);
    EXPECT_EQ(parts.So().news, whole.So().news) << size;
  }
}

TEST(Novelty, ReadsSoMuchInEachPeriod) {
  Novelty novelty;
  const std::string repeated = "the same error\n";
  News(novelty, repeated);
  std::string flood;
  while (flood.size() < Novelty::kBudgetBytes) flood += repeated;
  novelty.Renew(kNow);
  novelty.Add(0, flood, kNow);
  novelty.Add(0, "something else, unread\nstarted", kNow);
  EXPECT_EQ(novelty.So().news, 1U);
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

// Whatever a bar shows at the moment of a look, which is by chance more than at all looks before.
TEST(Novelty, ABarThatIsDrawnFromTheStartAgainIsNoNewsHoweverItIsMet) {
  Novelty novelty;
  TimePoint now{};
  uint64_t after_the_first = 0;
  for (int turn = 0, draws = 0; turn < 50; ++turn) {
    for (int percent = 0; percent <= 100; percent += 5) {
      const std::string shown = std::to_string(percent);
      novelty.Add(0, "\rDownloading layer: " + shown + "% " + shown + ".0/100.0 MB", now);
      now += std::chrono::milliseconds(50);
      if (++draws % 4 == 0) novelty.Renew(now);
    }
    novelty.Add(0, "\nchecksum mismatch, trying again\n", now);
    if (turn == 0) after_the_first = novelty.So().news;
  }
  EXPECT_EQ(novelty.So().news, after_the_first);
}

// As it stands, word by word, in a line that is not ended.
TEST(Novelty, PercentagesBehindOneAnotherInOneLineAreNews) {
  Novelty novelty;
  TimePoint now{};
  for (int percent = 0; percent <= 100; percent += 10) {
    const uint64_t before = novelty.So().news;
    novelty.Add(0, std::to_string(percent) + "% ", now);
    novelty.Renew(now += std::chrono::seconds(2));
    if (percent <= 20) continue;
    EXPECT_GT(novelty.So().news, before) << percent;
  }
}

}  // namespace
}  // namespace imagebatch::hang
