#include <gtest/gtest.h>

#include "cluster/objects/log_end.h"
#include "cluster/objects/log_lines.h"
#include "cluster/objects/log_search.h"
#include "cluster/watch/silence_watch.h"
#include "kube/line_filter.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr size_t kMiB = 1 << 20;
constexpr size_t kPiece = 4 * kMiB;

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

std::string Hung(const std::string& class_name, const std::string& since = "2026-01-02T03:04:05Z") {
  return R"({"imagebatch":"evidence","marker":"m1","verdict":"Hung","class":")" + class_name +
         R"(","since":")" + since + "\"}";
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

/// What the transport makes of the reply to the read that is due, which a node cuts to its limit.
bool Take(LogSearch& search, std::string log) {
  log.resize(std::min(log.size(), Limit(search)));
  kube::LineFilter filter(search.Next(Pod()).only_lines_with);
  filter.Feed(log);
  return search.OnPiece(filter.Take(), log.size());
}

TEST(LogSearchTest, TheLastWordCounts) {
  LogSearch search("m1", *ParseTime("2026-01-02T03:04:00.7Z"));
  EXPECT_EQ(From(search), "2026-01-02T03:04:00Z");
  const bool more =
      Take(search, At("01", "noise") + At("02", Hung("Idle")) + At("03", Hung("Busy")) + "no stamp\n");
  EXPECT_FALSE(more);
  EXPECT_EQ(search.found()->verdict.class_name, "Busy");
  EXPECT_EQ(From(search), "2026-01-02T03:04:03Z") << "what comes next may have the same second";
  Take(search, At("03", Hung("Busy")));
  EXPECT_EQ(search.found()->verdict.class_name, "Busy") << "it may be read twice";
  Take(search, At("04", R"({"imagebatch":"verdict","marker":"m1","verdict":"Progressing"})"));
  EXPECT_FALSE(search.found());
}

TEST(LogSearchTest, AfterACutPieceTheNextBeginsWhereItEnded) {
  LogSearch search("m1", *ParseTime("2026-01-02T03:04:00Z"));
  EXPECT_TRUE(Take(search, At("01", "a") + At("07", "b") + At("09", std::string(kPiece, 'x'))));
  EXPECT_EQ(From(search), "2026-01-02T03:04:07Z");
  EXPECT_EQ(Limit(search), kPiece);
  EXPECT_FALSE(Take(search, At("09", Hung("Looping"))));
  EXPECT_EQ(search.found()->verdict.class_name, "Looping");
}

TEST(LogSearchTest, ASecondThatHoldsMoreThanAPieceIsReadWithLargerOnes) {
  LogSearch search("m1", *ParseTime("2026-01-02T03:04:07Z"));
  const std::string log = At("07", "a") + At("07", std::string(24 * kMiB, 'x'));
  EXPECT_TRUE(Take(search, log));
  EXPECT_EQ(Limit(search), 20 * kMiB);
  EXPECT_EQ(From(search), "2026-01-02T03:04:07Z");
  EXPECT_TRUE(Take(search, log));
  EXPECT_EQ(From(search), "2026-01-02T03:04:08Z") << "the rest of that second is passed over";
  EXPECT_EQ(Limit(search), kPiece);
}

TEST(LogSearchTest, WhatIsForgedIsPassedOver) {
  LogSearch search("m2", *ParseTime("2026-01-02T03:04:00Z"));
  Take(search, At("01", Hung("Idle")));
  EXPECT_FALSE(search.found()) << "the marker of another attempt";
  EXPECT_FALSE(search.found());
}

// A gigabyte a minute, with forged verdicts among it, and nearly at the end of a second what is looked for
TEST(LogSearchTest, AFloodIsSearchedInLittleMemory) {
  constexpr int kSeconds = 12, kVerdict = 7;
  constexpr size_t kSecond = 18 * kMiB;
  const std::string noise(16 * 1024, 'x');
  const auto second = [&](int number) {
    const std::string two = std::to_string(100 + number).substr(1);
    std::string text;
    while (text.size() < kSecond) text += At(two, text.size() % 5 == 0 ? Hung("Idle") + noise : noise);
    if (number == kVerdict) {
      std::string verdict = Hung("Looping");
      text += At(two, verdict.replace(verdict.find("m1"), 2, "m2"));
    }
    return text;
  };
  LogSearch search("m2", *ParseTime("2026-01-02T03:04:00Z"));
  size_t held = 0, received = 0;
  for (bool more = true; more;) {
    kube::LineFilter filter(search.Next(Pod()).only_lines_with);
    size_t left = Limit(search);
    for (int at = std::stoi(From(search).substr(17, 2)); at < kSeconds && left > 0; ++at) {
      const std::string text = second(at).substr(0, left);
      for (size_t begin = 0; begin < text.size(); begin += 64 * 1024) {
        filter.Feed(std::string_view(text).substr(begin, 64 * 1024));
        held = std::max(held, filter.Held());
      }
      left -= text.size();
    }
    const size_t came = Limit(search) - left;
    received += came;
    more = search.OnPiece(filter.Take(), came);
  }
  ASSERT_TRUE(search.found());
  EXPECT_EQ(search.found()->verdict.class_name, "Looping");
  EXPECT_LE(held, kMiB / 2);
  EXPECT_LE(received, 3 * kSeconds * kSecond) << "what is read twice is bounded too";
}

TEST(LogSearchTest, ALineWithoutAnEndIsPassedOver) {
  LogSearch search("m1", *ParseTime("2026-01-02T03:04:07Z"));
  const std::string endless = At("07", std::string(24 * kMiB, 'x'));
  EXPECT_TRUE(Take(search, endless));
  EXPECT_TRUE(Take(search, endless));
  EXPECT_EQ(From(search), "2026-01-02T03:04:08Z");
  EXPECT_FALSE(Take(search, At("08", "xxx") + At("08", Hung("Looping"))));
  EXPECT_TRUE(search.found());
}

int Lines(const kube::Request& request) {
  return std::stoi(request.path.substr(request.path.find("tailLines=") + 10));
}

TEST(LogEndTest, ReachesTheEndOfLinesOfAnyLengthAndHasAsMuchAsIsKept) {
  for (const size_t length : {0UL, 100UL, 1000UL, 16UL * 1024}) {
    const std::string line = At("01", std::string(length, 'x')), last = At("02", "the end");
    LogEnd end;
    std::string log;
    size_t received = 0;
    do {
      const kube::Request request = end.Next(Pod());
      log.clear();
      for (int i = 1; i < Lines(request); ++i) log += line;
      log = (log + last).substr(0, 256 * 1024);
      received += log.size();
      EXPECT_LE(log.size(), request.most_bytes);
    } while (!end.OnReply(log));
    EXPECT_LE(received, 5 * kMiB / 4) << length;
    const std::string kept = KeptLog(log, "m");
    EXPECT_TRUE(kept.ends_with("the end\n")) << length;
    EXPECT_GE(kept.size(), length > 33 ? kKeptLogBytes / 2 : 0) << length;
  }
}

TEST(LogEndTest, OneLineThatIsTooLongIsTakenAsItIs) {
  LogEnd end;
  const std::string endless = At("01", std::string(kMiB, 'x')).substr(0, 256 * 1024);
  int reads = 1;
  while (!end.OnReply(endless)) ++reads;
  EXPECT_EQ(Lines(end.Next(Pod())), 1);
  EXPECT_LE(reads, 7);
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

/// Whether the verdict has come, changed or gone with it.
bool Tells(SilenceWatch& watch, const Result<std::string>& line, Now now) {
  const std::string before = watch.verdict() ? watch.verdict()->reason : "";
  watch.OnLine(line, now);
  return (watch.verdict() ? watch.verdict()->reason : "") != before;
}

TEST(SilenceWatchTest, OneLineIsReadWhenTheLogMayHaveBeenSilentForLong) {
  SilenceWatch watch;
  EXPECT_FALSE(watch.Look(Started(), seconds(100), After(1)));
  EXPECT_EQ(watch.Next(), After(100).steady);
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(100)));
  EXPECT_EQ(watch.Next(), std::nullopt);
  EXPECT_FALSE(Tells(watch, LineAt(30), After(101)));
  EXPECT_EQ(watch.Next(), After(130).steady) << "not before that line is old enough";
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(130)));
  EXPECT_TRUE(Tells(watch, LineAt(30), After(131)));
  EXPECT_EQ(watch.verdict()->class_name, "Unobserved");
  EXPECT_EQ(watch.verdict()->reason, "LogSilence");
  EXPECT_EQ(watch.verdict()->since, kBegin + seconds(130));
  EXPECT_EQ(watch.verdict()->message, "it has no runner, and has printed nothing for 101 s");
}

TEST(SilenceWatchTest, AnEmptyLogIsSilentSinceTheStart) {
  SilenceWatch watch;
  watch.Look(Started(), seconds(100), After(1));
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(100)));
  EXPECT_TRUE(Tells(watch, "", After(100)));
  EXPECT_EQ(watch.verdict()->since, kBegin + seconds(100));
}

TEST(SilenceWatchTest, WhenItPrintsAgainTheVerdictIsGone) {
  SilenceWatch watch;
  watch.Look(Started(), seconds(100), After(100));
  EXPECT_TRUE(Tells(watch, "", After(100)));
  EXPECT_FALSE(watch.Look(Started(), seconds(100), After(159)));
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(160)));
  EXPECT_FALSE(Tells(watch, "", After(160))) << "told once";
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(220)));
  EXPECT_TRUE(Tells(watch, LineAt(200), After(220)));
  EXPECT_FALSE(watch.verdict());
  EXPECT_EQ(watch.Next(), After(300).steady);
}

TEST(SilenceWatchTest, AFailedReadTellsNothing) {
  SilenceWatch watch;
  EXPECT_TRUE(watch.Look(Started(), seconds(100), After(100)));
  EXPECT_FALSE(Tells(watch, Fail("no answer"), After(100)));
  EXPECT_FALSE(watch.verdict());
  EXPECT_EQ(watch.Next(), After(160).steady);
}

TEST(SilenceWatchTest, ZeroSwitchesItOffAndTakesTheVerdictBack) {
  SilenceWatch watch;
  EXPECT_FALSE(watch.Look(Started(), seconds(0), After(100000)));
  EXPECT_EQ(watch.Next(), std::nullopt);
  watch.Look(Started(), seconds(100), After(100000));
  EXPECT_TRUE(Tells(watch, "", After(100000)));
  EXPECT_FALSE(watch.Look(Started(), seconds(0), After(100001)));
  EXPECT_FALSE(watch.verdict());
}

TEST(SilenceWatchTest, TheVerdictOfAnEndedBuildStands) {
  SilenceWatch watch;
  watch.Look(Started(), seconds(100), After(100));
  EXPECT_TRUE(Tells(watch, "", After(100)));
  PodView ended = Started();
  ended.build->state = ContainerView::State::Terminated;
  EXPECT_FALSE(watch.Look(ended, seconds(100), After(101)));
  EXPECT_TRUE(watch.verdict());
  EXPECT_EQ(watch.Next(), std::nullopt);
}

}  // namespace
}  // namespace imagebatch::cluster
