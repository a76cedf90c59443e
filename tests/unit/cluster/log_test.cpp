#include <gtest/gtest.h>

#include "cluster/log_lines.h"
#include "cluster/log_search.h"
#include "cluster/silence_watch.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr size_t kPiece = 1024 * 1024;

PodView Pod() {
  PodView pod;
  pod.ns = "builds";
  pod.name = "p";
  pod.container = "build";
  pod.build.emplace();
  pod.build->state = ContainerView::State::Running;
  return pod;
}

std::string At(const std::string& second, const std::string& text) {
  return "2026-01-02T03:04:" + second + ".000000001Z " + text + "\n";
}

std::string Hung(const std::string& klass, const std::string& since = "2026-01-02T03:04:05Z") {
  return R"({"imagebatch":"evidence","marker":"m1","verdict":"Hung","class":")" + klass + R"(","since":")" +
         since + "\"}";
}

std::string From(const LogSearch& search) {
  const std::string path = search.Next(Pod()).path;
  const size_t at = path.find("sinceTime=") + 10;
  return path.substr(at, path.find('&', at) - at);
}

size_t Limit(const LogSearch& search) {
  const std::string path = search.Next(Pod()).path;
  return std::stoul(path.substr(path.find("limitBytes=") + 11));
}

TEST(LogSearchTest, TheLastWordCounts) {
  LogSearch search("m1", *ParseTime("2026-01-02T03:04:00.7Z"));
  EXPECT_EQ(From(search), "2026-01-02T03:04:00Z");
  const auto piece =
      search.OnPiece(At("01", "noise") + At("02", Hung("Idle")) + At("03", Hung("Busy")) + "no stamp\n");
  EXPECT_TRUE(piece.changed);
  EXPECT_FALSE(piece.more);
  EXPECT_EQ(search.found()->verdict.klass, "Busy");
  EXPECT_EQ(From(search), "2026-01-02T03:04:03Z") << "what comes next may have the same second";
  EXPECT_FALSE(search.OnPiece(At("03", Hung("Busy"))).changed) << "read twice, told once";
  search.OnPiece(At("04", R"({"imagebatch":"verdict","marker":"m1","verdict":"Progressing"})"));
  EXPECT_FALSE(search.found());
}

TEST(LogSearchTest, AfterACutPieceTheNextBeginsWhereItEnded) {
  LogSearch search("m1", *ParseTime("2026-01-02T03:04:00Z"));
  std::string log = At("01", "a") + At("07", std::string(kPiece, 'x'));
  log += At("09", "cut off");
  EXPECT_TRUE(search.OnPiece(log.substr(0, log.size() - 3)).more);
  EXPECT_EQ(From(search), "2026-01-02T03:04:07Z");
  EXPECT_EQ(Limit(search), kPiece);
  EXPECT_FALSE(search.OnPiece(At("09", Hung("Looping"))).more);
  EXPECT_EQ(search.found()->verdict.klass, "Looping");
}

TEST(LogSearchTest, ASecondThatHoldsMoreThanAPieceIsReadWithLargerOnes) {
  LogSearch search("m1", *ParseTime("2026-01-02T03:04:07Z"));
  std::string log = At("07", std::string(20 * kPiece, 'x'));
  EXPECT_TRUE(search.OnPiece(log.substr(0, Limit(search))).more);
  EXPECT_EQ(Limit(search), 4 * kPiece);
  EXPECT_TRUE(search.OnPiece(log.substr(0, Limit(search))).more);
  EXPECT_EQ(Limit(search), 16 * kPiece);
  EXPECT_EQ(From(search), "2026-01-02T03:04:07Z");
  EXPECT_TRUE(search.OnPiece(log.substr(0, Limit(search))).more);
  EXPECT_EQ(From(search), "2026-01-02T03:04:08Z") << "the rest of that second is passed over";
  EXPECT_EQ(Limit(search), kPiece);
}

TEST(LogSearchTest, WhatIsForgedIsPassedOver) {
  LogSearch search("m2", *ParseTime("2026-01-02T03:04:00Z"));
  EXPECT_FALSE(search.OnPiece(At("01", Hung("Idle"))).changed) << "the marker of another attempt";
  EXPECT_FALSE(search.found());
}

TEST(KeptLogTest, IsTheEndInWholeLinesWithoutTimeStampsSecretsAndMarkers) {
  const std::string log =
      At("01", "pull --password=hunter2 now") + At("02", "\x1b[31mred\xff") + At("03", "the m4rk3r");
  EXPECT_EQ(KeptLog(log, "m4rk3r"), "pull --password=*** now\n?[31mred?\nthe ***\n");
}

TEST(KeptLogTest, IsBounded) {
  std::string log;
  for (int i = 0; i < 40000; ++i) log += At("01", "line " + std::to_string(i));
  const std::string kept = KeptLog(log, "m");
  EXPECT_LE(kept.size(), 64U * 1024);
  EXPECT_GT(kept.size(), 60U * 1024);
  EXPECT_TRUE(kept.ends_with("line 39999\n"));
  EXPECT_TRUE(kept.starts_with("line "));
  EXPECT_LE(KeptLog(At("01", std::string(1 << 20, 'x')), "m").size(), 64U * 1024);
  EXPECT_EQ(KeptLog("", "m"), "");
  EXPECT_EQ(KeptLog("unstamped", "m"), "");
}

constexpr Time kBegin{std::chrono::hours(24 * 365 * 50)};

Now After(int second) { return {kBegin + seconds(second), SteadyTime(seconds(5000 + second))}; }

std::string LineAt(int second) { return FormatTime(kBegin + seconds(second)) + " x"; }

PodView Started() {
  PodView pod = Pod();
  pod.runner = false;
  pod.build->started = kBegin;
  return pod;
}

TEST(SilenceWatchTest, OneLineIsReadWhenTheLogMayHaveBeenSilentForLong) {
  SilenceWatch watch;
  EXPECT_FALSE(watch.Look(Started(), seconds(100), After(1)).read_line);
  EXPECT_EQ(watch.Next(), After(100).steady);
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(100)).read_line);
  EXPECT_EQ(watch.Next(), std::nullopt);
  EXPECT_FALSE(watch.OnLine(LineAt(30), After(101)));
  EXPECT_EQ(watch.Next(), After(130).steady) << "not before that line is old enough";
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(130)).read_line);
  EXPECT_TRUE(watch.OnLine(LineAt(30), After(131)));
  EXPECT_EQ(watch.verdict()->klass, "Unobserved");
  EXPECT_EQ(watch.verdict()->reason, "LogSilence");
  EXPECT_EQ(watch.verdict()->since, kBegin + seconds(130));
  EXPECT_EQ(watch.verdict()->message, "it has no runner, and has printed nothing for 101 s");
}

TEST(SilenceWatchTest, AnEmptyLogIsSilentSinceTheStart) {
  SilenceWatch watch;
  watch.Look(Started(), seconds(100), After(1));
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(100)).read_line);
  EXPECT_TRUE(watch.OnLine("", After(100)));
  EXPECT_EQ(watch.verdict()->since, kBegin + seconds(100));
}

TEST(SilenceWatchTest, WhenItPrintsAgainTheVerdictIsGone) {
  SilenceWatch watch;
  watch.Look(Started(), seconds(100), After(100));
  EXPECT_TRUE(watch.OnLine("", After(100)));
  EXPECT_FALSE(watch.Look(Started(), seconds(100), After(159)).read_line);
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(160)).read_line);
  EXPECT_FALSE(watch.OnLine("", After(160))) << "told once";
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(220)).read_line);
  EXPECT_TRUE(watch.OnLine(LineAt(200), After(220)));
  EXPECT_FALSE(watch.verdict());
  EXPECT_EQ(watch.Next(), After(300).steady);
}

TEST(SilenceWatchTest, AFailedReadTellsNothing) {
  SilenceWatch watch;
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(100)).read_line);
  EXPECT_FALSE(watch.OnLine(std::nullopt, After(100)));
  EXPECT_FALSE(watch.verdict());
  EXPECT_EQ(watch.Next(), After(160).steady);
}

TEST(SilenceWatchTest, ZeroSwitchesItOffAndTakesTheVerdictBack) {
  SilenceWatch watch;
  EXPECT_FALSE(watch.Look(Started(), seconds(0), After(100000)).read_line);
  EXPECT_EQ(watch.Next(), std::nullopt);
  watch.Look(Started(), seconds(100), After(100000));
  EXPECT_TRUE(watch.OnLine("", After(100000)));
  EXPECT_TRUE(watch.Look(Started(), seconds(0), After(100001)).changed);
  EXPECT_FALSE(watch.verdict());
}

TEST(SilenceWatchTest, TheVerdictOfAnEndedBuildStands) {
  SilenceWatch watch;
  watch.Look(Started(), seconds(100), After(100));
  EXPECT_TRUE(watch.OnLine("", After(100)));
  PodView ended = Started();
  ended.build->state = ContainerView::State::Terminated;
  EXPECT_FALSE(watch.Look(ended, seconds(100), After(101)).changed);
  EXPECT_TRUE(watch.verdict());
  EXPECT_EQ(watch.Next(), std::nullopt);
}

}  // namespace
}  // namespace imagebatch::cluster
