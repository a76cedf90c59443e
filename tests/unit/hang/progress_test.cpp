#include "hang/progress.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>
#include <vector>

namespace imagebatch::hang {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kStart{seconds(1'000'000)};

Sample At(Duration after) {
  Sample sample;
  sample.at = kStart + after;
  sample.cpu_seconds = 0;
  sample.io_bytes = 0;
  sample.births = 0;
  return sample;
}

/// Feeds a sample every `period` until `end`; `fill` sets what the build has done by then.
TimePoint LastProgress(Duration period, Duration end, const std::function<void(Sample&, double)>& fill) {
  ProgressTracker tracker(kStart);
  for (Duration after{0}; after <= end; after += period) {
    Sample sample = At(after);
    fill(sample, std::chrono::duration<double>(after).count());
    tracker.Add(sample);
  }
  return tracker.Get().Last();
}

TEST(Progress, StaysAtTheStartWhileNothingHappens) {
  EXPECT_EQ(LastProgress(seconds(2), seconds(600), [](Sample&, double) {}), kStart);
}

TEST(Progress, CpuAtFullSpeedIsWorkAtEverySample) {
  const auto last = LastProgress(seconds(2), seconds(600), [](Sample& s, double t) { s.cpu_seconds = t; });
  EXPECT_EQ(last, kStart + seconds(600));
}

TEST(Progress, TheTickOfARuntimeIsNoWorkHoweverOftenItIsSampled) {
  for (Duration period : {milliseconds(50), milliseconds(2000), milliseconds(20'000)}) {
    const auto last =
        LastProgress(period, seconds(3600), [](Sample& s, double t) { s.cpu_seconds = 0.0025 * t; });
    EXPECT_EQ(last, kStart) << period.count();
  }
}

TEST(Progress, TwoPercentOfACoreIsWork) {
  const auto last =
      LastProgress(seconds(2), seconds(600), [](Sample& s, double t) { s.cpu_seconds = 0.02 * t; });
  EXPECT_GE(last, kStart + seconds(580));
}

TEST(Progress, AProcessThatIsReadyButGetsNoCpuIsNotIdle) {
  for (Duration period : {milliseconds(200), milliseconds(2000)}) {
    const auto last = LastProgress(period, seconds(600), [](Sample& s, double) { s.starved = true; });
    EXPECT_GE(last, kStart + seconds(590)) << period.count();
  }
}

TEST(Progress, ATickThatHasToWaitForACpuNowAndThenIsNoWork) {
  const auto last = LastProgress(seconds(2), seconds(3600),
                                 [](Sample& s, double t) { s.starved = static_cast<int>(t) % 10 < 4; });
  EXPECT_EQ(last, kStart);
}

TEST(Progress, TheContainersCounterAloneShowsShortLivedChildren) {
  const auto last =
      LastProgress(seconds(2), seconds(60), [](Sample& s, double t) { s.container_cpu_seconds = 100 + t; });
  EXPECT_EQ(last, kStart + seconds(60));
}

TEST(Progress, ACounterThatFallsIsNoWork) {
  const auto last = LastProgress(seconds(2), seconds(60), [](Sample& s, double t) {
    s.cpu_seconds = 1000 - t;
    s.io_bytes = 1'000'000'000 - static_cast<uint64_t>(t) * 1'000'000;
  });
  EXPECT_EQ(last, kStart);
}

TEST(Progress, ALoopThatSleepsAndLooksIsNoWork) {
  for (const double bytes_read : {7'700.0, 53'000.0}) {
    const auto last = LastProgress(seconds(2), seconds(600), [&](Sample& s, double t) {
      s.io_bytes = static_cast<uint64_t>(bytes_read * t);
      s.written_bytes = 0;
      s.births = static_cast<uint64_t>(2 * t);
      s.cpu_seconds = 0.001 * t;
    });
    EXPECT_EQ(last, kStart) << bytes_read;
  }
}

TEST(Progress, ATrickleIntoAFileIsWork) {
  const auto last = LastProgress(seconds(2), seconds(600), [](Sample& s, double t) {
    s.io_bytes = s.written_bytes.emplace(static_cast<uint64_t>(8000 * t));
  });
  EXPECT_GE(last, kStart + seconds(580));
}

TEST(Progress, DiskWorkAloneIsWork) {
  const auto last = LastProgress(seconds(2), seconds(600), [](Sample& s, double t) {
    s.io_bytes = static_cast<uint64_t>(1'000'000 * t);
  });
  EXPECT_EQ(last, kStart + seconds(600));
}

TEST(Progress, KeepalivesAreNoWorkAndATricklingDownloadIs) {
  const auto keepalives = LastProgress(
      seconds(2), seconds(600), [](Sample& s, double t) { s.network_bytes = static_cast<uint64_t>(60 * t); });
  EXPECT_EQ(keepalives, kStart);
  const auto download = LastProgress(seconds(2), seconds(600), [](Sample& s, double t) {
    s.network_bytes = static_cast<uint64_t>(300 * t);
  });
  EXPECT_GE(download, kStart + seconds(580));
}

/// One connection, which has received so much by then.
std::vector<Connection> Received(TimePoint at, double bytes) {
  Connection connection{.id = 1, .peer = 1, .received = static_cast<uint64_t>(bytes)};
  connection.messages = *connection.received / 40;
  connection.last = at;
  return {connection};
}

TEST(Progress, AHeartbeatIsNoWorkAndAFewBytesAreSome) {
  const auto beats = LastProgress(seconds(1), seconds(600), [](Sample& s, double t) {
    s.connections = Received(s.at, 40 * std::floor(t / 5));
  });
  EXPECT_EQ(beats, kStart);
  const auto told = LastProgress(seconds(1), seconds(600), [](Sample& s, double t) {
    const double turn = std::floor(t / 40);
    s.connections = Received(s.at, 43 * turn + turn * turn);
  });
  EXPECT_GE(told, kStart + seconds(550));
}

TEST(Progress, AConnectionThatSendsMuchIsAtWork) {
  const auto last = LastProgress(seconds(2), seconds(600), [](Sample& s, double t) {
    s.connections = Received(s.at, 0);
    s.connections->front().sent = static_cast<uint64_t>(2000 * t);
  });
  EXPECT_GE(last, kStart + seconds(580));
}

TEST(Progress, WatchesTheNetworkByConnectionsAlone) {
  ProgressTracker tracker(kStart);
  Sample sample = At(seconds(2));
  sample.connections.emplace();
  tracker.Add(sample);
  EXPECT_TRUE(tracker.Get().Of(Signal::Network).watched);
}

TEST(Progress, OneByteOfOutputIsWork) {
  const auto last =
      LastProgress(seconds(2), seconds(600), [](Sample& s, double t) { s.output_bytes = t >= 300 ? 1 : 0; });
  EXPECT_EQ(last, kStart + seconds(300));
}

TEST(Progress, ManyBirthsAreWork) {
  const auto last = LastProgress(seconds(2), seconds(60),
                                 [](Sample& s, double t) { s.births = static_cast<uint64_t>(50 * t); });
  EXPECT_EQ(last, kStart + seconds(60));
}

/// As LastProgress(), of the work beside the output.
TimePoint LastWork(const std::function<void(Sample&, double)>& fill) {
  ProgressTracker tracker(kStart);
  for (int second = 0; second <= 600; second += 2) {
    Sample sample = At(seconds(second));
    sample.written_bytes = 0;
    fill(sample, second);
    tracker.Add(sample);
  }
  return tracker.Get().last_work;
}

uint64_t Count(double value) { return static_cast<uint64_t>(value); }

TEST(Work, AHeartbeatIsNone) {
  EXPECT_EQ(LastWork([](Sample& s, double t) {
              s.output_lines = Count(t);
              s.output_bytes = s.written_bytes.emplace(Count(40 * t));
              s.io_bytes = s.written_bytes;
            }),
            kStart);
}

TEST(Work, OneErrorAtFullSpeedIsNoneThroughTwoPipesToo) {
  EXPECT_EQ(LastWork([](Sample& s, double t) {
              s.output_bytes = Count(50e6 * t);
              s.output_lines = s.output_bytes / 50;
              s.written_bytes = 3 * s.output_bytes;
              s.io_bytes = 5 * s.output_bytes;
              s.cpu_seconds = t;
            }),
            kStart);
}

// Once a second: python3 loads itself, asks, and is refused.
TEST(Work, ARetryLoopIsNone) {
  EXPECT_EQ(LastWork([](Sample& s, double t) {
              s.output_lines = Count(t);
              s.output_bytes = Count(60 * t);
              s.written_bytes = Count(70 * t);
              s.io_bytes = Count(1.2e6 * t);
              s.network_bytes = Count(1500 * t);
              s.births = Count(2 * t);
            }),
            kStart);
}

TEST(Work, ACompilerBelowAHeartbeatIsSome) {
  EXPECT_GE(LastWork([](Sample& s, double t) {
              s.output_lines = Count(t);
              s.output_bytes = Count(20 * t);
              s.written_bytes = Count(200e3 * t);
              s.io_bytes = Count(900e3 * t);
            }),
            kStart + seconds(580));
}

TEST(Work, ReadingBelowAHeartbeatIsSome) {
  EXPECT_GE(LastWork([](Sample& s, double t) {
              s.output_lines = Count(t);
              s.output_bytes = Count(20 * t);
              s.io_bytes = Count(5e6 * t);
            }),
            kStart + seconds(580));
}

TEST(Work, ATrickleIntoAFileIsSome) {
  EXPECT_GE(LastWork([](Sample& s, double t) {
              s.output_lines = Count(t);
              s.output_bytes = Count(20 * t);
              s.io_bytes = s.written_bytes.emplace(Count(20e3 * t));
            }),
            kStart + seconds(580));
}

TEST(Work, AnUploadIsSome) {
  EXPECT_GE(LastWork([](Sample& s, double t) {
              s.output_lines = Count(t);
              s.output_bytes = Count(20 * t);
              s.network_bytes = Count(50e3 * t);
            }),
            kStart + seconds(580));
}

// The client of a builder gets each line that it prints over its connection.
TEST(Work, OutputThatCameOverAConnectionIsNone) {
  EXPECT_EQ(LastWork([](Sample& s, double t) {
              s.output_lines = Count(t);
              s.output_bytes = Count(40 * t);
              s.connections = Received(s.at, 330 * t + std::fmod(t, 7) * 3);
            }),
            kStart);
}

TEST(Work, WhatADaemonTellsBesideAHeartbeatIsSome) {
  EXPECT_GE(LastWork([](Sample& s, double t) {
              s.output_lines = Count(t);
              s.output_bytes = Count(20 * t);
              s.connections = Received(s.at, 1500 * t);
            }),
            kStart + seconds(580));
}

TEST(News, AreWhatTheOutputSaysAndNotWhatItIs) {
  ProgressTracker tracker(kStart);
  Sample sample = At(seconds(10));
  sample.output_bytes = 100;
  tracker.Add(sample);
  EXPECT_EQ(tracker.Get().last_news, kStart);
  sample = At(seconds(20));
  sample.said.news = 1;
  tracker.Add(sample);
  EXPECT_EQ(tracker.Get().last_news, kStart + seconds(20));
}

/// A mark in each sample, beside so much CPU.
TimePoint LastNewsOfMarks(double share_of_a_core, double lines_per_second = 0) {
  ProgressTracker tracker(kStart);
  for (int second = 2; second <= 60; second += 2) {
    Sample sample = At(seconds(second));
    sample.said.marks = Count(second * 0.5);
    sample.cpu_seconds = share_of_a_core * second;
    sample.output_lines = Count(lines_per_second * second);
    tracker.Add(sample);
  }
  return tracker.Get().last_news;
}

TEST(News, AMarkCountsWhereSomethingWasComputedForIt) {
  EXPECT_EQ(LastNewsOfMarks(0.012), kStart);
  EXPECT_EQ(LastNewsOfMarks(0.03, 1), kStart) << "a counter on lines of its own, one in a second";
  EXPECT_GE(LastNewsOfMarks(0.2), kStart + seconds(56));
}

/// A tick in each second, by a printer that uses `printer` of a core while the tree uses all of one.
TimePoint LastNewsOfTicks(std::optional<double> printer) {
  ProgressTracker tracker(kStart);
  for (int second = 1; second <= 60; ++second) {
    Sample sample = At(seconds(second));
    sample.said.ticks = sample.output_lines = Count(second);
    sample.cpu_seconds = second;
    if (printer) sample.printers_cpu_seconds = *printer * second;
    tracker.Add(sample);
  }
  return tracker.Get().last_news;
}

TEST(News, ATickCountsWhereItsPrinterWorks) {
  EXPECT_EQ(LastNewsOfTicks(0.005), kStart) << "a heartbeat beside what spins";
  EXPECT_GE(LastNewsOfTicks(0.1), kStart + seconds(56)) << "tests of one second each";
  EXPECT_GE(LastNewsOfTicks(std::nullopt), kStart + seconds(56)) << "it is not known who prints";
}

TEST(News, WhatWasInDoubtIsTakenBack) {
  ProgressTracker tracker(kStart);
  Sample sample = At(seconds(10));
  sample.said.news = 1;
  tracker.Add(sample);
  sample.at = kStart + seconds(20);
  sample.said.doubts = 1;
  tracker.Add(sample);
  EXPECT_EQ(tracker.Get().last_news, kStart + seconds(20));
  sample.at = kStart + seconds(30);
  sample.said.withdrawals = 1;
  tracker.Add(sample);
  EXPECT_EQ(tracker.Get().last_news, kStart + seconds(10));
}

TEST(Progress, ANewCommandIsWork) {
  ProgressTracker tracker(kStart);
  Sample sample = At(seconds(10));
  sample.newest_command = sample.at;
  tracker.Add(sample);
  EXPECT_EQ(tracker.Get().Last(), kStart + seconds(10));
  EXPECT_EQ(tracker.Get().last_work, kStart + seconds(10));
  EXPECT_EQ(tracker.Get().last_news, kStart);
  sample.at = kStart + seconds(20);
  sample.newest_command.reset();
  tracker.Add(sample);
  EXPECT_EQ(tracker.Get().Last(), kStart) << "it was seen again, and was a poll's";
}

TEST(Progress, SaysWhichSignalsAreWatched) {
  ProgressTracker tracker(kStart);
  Sample sample = At(seconds(2));
  sample.io_bytes.reset();
  tracker.Add(sample);
  EXPECT_TRUE(tracker.Get().Of(Signal::Cpu).watched);
  EXPECT_TRUE(tracker.Get().Of(Signal::Output).watched);
  EXPECT_FALSE(tracker.Get().Of(Signal::Io).watched);
  EXPECT_FALSE(tracker.Get().Of(Signal::Network).watched);
}

TEST(Progress, TimeInWhichTheSupervisorDidNotRunIsNotTheBuilds) {
  ProgressTracker tracker(kStart);
  tracker.Add(At(seconds(2)));
  tracker.Add(At(seconds(3602)));
  EXPECT_GE(tracker.Get().Last(), kStart + seconds(3570));
}

TEST(Progress, TimeThatIsExcusedIsNotTheBuilds) {
  ProgressTracker tracker(kStart);
  tracker.Add(At(seconds(2)));
  tracker.Excuse(seconds(3));
  tracker.Excuse(seconds(4));
  tracker.Add(At(seconds(12)));
  EXPECT_EQ(tracker.Get().Last(), kStart + seconds(7));
  EXPECT_EQ(tracker.Get().last_news, kStart + seconds(7));
  EXPECT_EQ(tracker.Get().last_work, kStart + seconds(7));
  tracker.Add(At(seconds(14)));
  EXPECT_EQ(tracker.Get().Last(), kStart + seconds(7)) << "once";
  tracker.Excuse(seconds(60));
  tracker.Add(At(seconds(74)));
  EXPECT_EQ(tracker.Get().Last(), kStart + seconds(74)) << "nothing lies ahead of now";
}

TEST(Progress, AnExpectedLineIsAsOldAsItsLastSight) {
  ProgressTracker tracker(kStart, 2);
  Sample sample = At(seconds(2));
  sample.signs = {0, 1};
  tracker.Add(sample);
  sample = At(seconds(4));
  sample.signs = {0, 1};
  tracker.Add(sample);
  EXPECT_FALSE(tracker.Get().signs[0].seen);
  EXPECT_EQ(tracker.Get().signs[0].last, kStart);
  EXPECT_TRUE(tracker.Get().signs[1].seen);
  EXPECT_EQ(tracker.Get().signs[1].last, kStart + seconds(2));
  tracker.Excuse(seconds(3));
  sample.at = kStart + seconds(10);
  tracker.Add(sample);
  EXPECT_EQ(tracker.Get().signs[0].last, kStart + seconds(3));
  EXPECT_EQ(tracker.Get().signs[1].last, kStart + seconds(5));
}

}  // namespace
}  // namespace imagebatch::hang
