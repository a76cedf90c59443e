#include "hang/heartbeat.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "hang/arrivals.h"

namespace imagebatch::hang {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kStart{seconds(1'000'000)};

TimePoint At(double after) { return kStart + milliseconds(std::llround(after * 1000)); }

Arrival Message(double after, uint64_t bytes, bool answered = false) {
  return {.at = At(after), .bytes = bytes, .answered = answered};
}

/// Seconds after the start; -1: there was none.
double LastNews(const HeartbeatFilter& filter) {
  const auto last = filter.LastNews();
  return last ? std::chrono::duration<double>(*last - kStart).count() : -1;
}

TEST(Heartbeat, EqualSmallMessagesAtEqualDistancesAreNoNews) {
  // PING of HTTP/2, the health check of gRPC, a keepalive of SSH
  for (const auto& [bytes, period] :
       {std::pair{17U, 10.0}, {196U, 5.0}, {52U, 15.0}, {17U, 0.25}, {120U, 0.5}}) {
    HeartbeatFilter filter;
    for (int beat = 0; beat < 40; ++beat) {
      const bool news = filter.Add(Message(beat * period + 0.01 * (beat % 3), bytes));
      EXPECT_EQ(news, beat < (period < 3 ? 4 : 2)) << bytes << " bytes, " << beat;
    }
    EXPECT_EQ(LastNews(filter), -1) << "the first are seen for what they were";
  }
}

TEST(Heartbeat, OtherBytesOrOtherDistancesAreNews) {
  HeartbeatFilter sizes;
  for (int turn = 0; turn < 20; ++turn)
    EXPECT_TRUE(sizes.Add(Message(turn, 40U + static_cast<unsigned>(turn % 10))));
  HeartbeatFilter distances;
  double at = 0;
  for (double gap : {1.0, 3.0, 0.7, 2.2, 5.1, 1.4, 0.3, 4.0})
    EXPECT_TRUE(distances.Add(Message(at += gap, 40)));
}

TEST(Heartbeat, AStreamIsNewsHoweverEqual) {
  // dockerd tells of a download: 190 bytes, four times a second, and in one piece of 600
  for (const auto& [bytes, period] : {std::pair{190U, 0.25}, {600U, 2.0}, {17U, 0.02}}) {
    HeartbeatFilter filter;
    for (int turn = 0; turn < 40; ++turn) EXPECT_TRUE(filter.Add(Message(turn * period, bytes))) << bytes;
  }
}

TEST(Heartbeat, NewsBetweenBeatsAreNews) {
  HeartbeatFilter filter;
  for (int beat = 0; beat < 6; ++beat) filter.Add(Message(5 * beat, 100));
  EXPECT_TRUE(filter.Add(Message(27.3, 85)));
  EXPECT_EQ(LastNews(filter), 27.3);
  for (int beat = 6; beat < 20; ++beat) EXPECT_FALSE(filter.Add(Message(5 * beat, 100)));
  EXPECT_EQ(LastNews(filter), 27.3);
}

TEST(Heartbeat, AClockThatSaysMoreAndMoreIsProgress) {
  HeartbeatFilter filter;
  for (int turn = 0; turn < 200; ++turn) filter.Add(Message(turn, 150U + static_cast<unsigned>(turn) / 8));
  EXPECT_GE(LastNews(filter), 184) << "a bar grew";
}

TEST(Heartbeat, ABeatMayBeLeftOut) {
  HeartbeatFilter filter;
  for (int beat = 0; beat < 6; ++beat) filter.Add(Message(5 * beat, 100));
  EXPECT_FALSE(filter.Add(Message(40, 100)));
}

TEST(Heartbeat, ABeatMayBeLateAndTwoMayNot) {
  HeartbeatFilter filter;
  for (int beat = 0; beat < 6; ++beat) filter.Add(Message(beat, 100));
  EXPECT_FALSE(filter.Add(Message(6.4, 100)));
  for (int beat = 7; beat < 13; ++beat) EXPECT_FALSE(filter.Add(Message(beat, 100)));
  EXPECT_FALSE(filter.Add(Message(13.4, 100))) << "nobody knows yet";
  EXPECT_TRUE(filter.Add(Message(14.7, 100)));
  EXPECT_EQ(LastNews(filter), 14.7);
}

TEST(Heartbeat, EqualMessagesAtRandomTimesAreNews) {
  uint32_t random = 12345;
  for (const double longest : {1.5, 3.0, 8.0}) {
    HeartbeatFilter filter;
    double at = 0, longest_silence = 0;
    for (int turn = 0; turn < 3000; ++turn) {
      random = random * 1664525 + 1013904223;
      at += 0.2 + (longest - 0.2) * (random >> 8) / (1 << 24);
      filter.Add(Message(at, 1));
      longest_silence = std::max(longest_silence, at - LastNews(filter));
    }
    EXPECT_LT(longest_silence, 15 * longest) << longest;
  }
}

TEST(Heartbeat, BeatsFasterThanLooksAreSeenByTheirMessages) {
  HeartbeatFilter filter;
  for (int look = 1; look < 20; ++look) {
    const bool news = filter.Add({.at = At(2.0 * look), .messages = 4, .bytes = 68});
    EXPECT_EQ(news, look <= 4);
  }
}

TEST(Heartbeat, ManyOfThemInALookAreCounted) {
  HeartbeatFilter filter;
  int news = 0;
  for (int look = 1; look < 20; ++look) {
    const double before = std::floor(2.0 * (look - 1) / 0.57), now = std::floor(2.0 * look / 0.57);
    const auto count = static_cast<uint64_t>(now - before);
    news += filter.Add({.at = At(0.57 * now), .messages = count, .bytes = 17 * count}) ? 1 : 0;
  }
  EXPECT_EQ(news, 4);
}

struct Recorded {
  double at;
  uint64_t bytes;
};
// buildctl 0.34 above a step that sleeps, what its connection received, seen ten times a second.
constexpr Recorded kBuildctl[] = {
    {0.00, 7404}, {0.10, 4051}, {0.20, 4186}, {4.85, 311},   {9.84, 196},   {14.84, 196},  {19.83, 196},
    {24.84, 149}, {24.93, 47},  {29.90, 196}, {34.88, 188},  {39.86, 188},  {44.84, 196},  {49.90, 196},
    {54.87, 196}, {59.85, 196}, {64.90, 196}, {69.88, 196},  {74.86, 226},  {79.85, 188},  {84.83, 188},
    {89.90, 218}, {94.88, 188}, {99.86, 188}, {104.84, 188}, {109.83, 196}, {114.90, 188}, {119.88, 188}};

TEST(Heartbeat, TheHealthCheckOfARealBuildkitIsOne) {
  HeartbeatFilter filter;
  for (const Recorded& recorded : kBuildctl) filter.Add(Message(recorded.at, recorded.bytes, true));
  EXPECT_EQ(LastNews(filter), 4.85);
  EXPECT_TRUE(filter.Add(Message(122.4, 246, true))) << "the step has ended";
}

TEST(Heartbeat, FastMessagesThatAreAnsweredMustBeEqual) {
  HeartbeatFilter filter;
  for (int turn = 0; turn < 20; ++turn)
    EXPECT_TRUE(filter.Add(Message(turn, 150U + 3 * static_cast<unsigned>(turn), true)))
        << "a poll that has news";
}

Arrival WakeUp(double after, uint64_t messages = 1, bool sure = true) {
  return {.at = At(after), .blur = milliseconds(200), .messages = messages, .bytes = {}, .sure = sure};
}

TEST(Heartbeat, WithoutBytesTheDistancesDecide) {
  HeartbeatFilter beats, fast, unsure, irregular;
  for (int turn = 0; turn < 40; ++turn) {
    EXPECT_EQ(beats.Add(WakeUp(turn)), turn < 7);
    EXPECT_TRUE(fast.Add(WakeUp(0.25 * turn)));
    EXPECT_EQ(unsure.Add(WakeUp(0.25 * turn, 1, false)), turn < 7);
  }
  double at = 0;
  int news = 0;
  const double gaps[] = {0.4, 2.9, 1.1, 0.6, 4.2, 0.9, 2.3, 0.5, 3.4, 1.6};
  for (int turn = 0; turn < 30; ++turn) news += irregular.Add(WakeUp(at += gaps[turn % 10])) ? 1 : 0;
  EXPECT_GT(news, 20);
}

TEST(Heartbeat, WhatIsMetAtEachLookIsNoRhythm) {
  HeartbeatFilter filter;
  for (int look = 0; look < 20; ++look)
    EXPECT_TRUE(filter.Add({.at = At(1.5 * look), .blur = milliseconds(1500), .bytes = {}}));
}

/// Wake-ups as looks see them: how many there were in each, and that the last of them may have been at its
/// begin. Returns the longest time without news after the first `settled` seconds.
double LongestWithoutNews(double look, double settled, const std::function<double(int)>& gap) {
  constexpr double kSeconds = 1200;
  HeartbeatFilter filter;
  double next = gap(0), longest = 0, last_news = 0;
  int number = 0;
  for (int turn = 1; turn < kSeconds / look; ++turn) {
    const double at = turn * look;
    uint64_t count = 0;
    while (next < at) {
      next += gap(++number);
      ++count;
    }
    if (count > 0)
      filter.Add({.at = At(at),
                  .blur = milliseconds(static_cast<int>(1000 * look)),
                  .messages = count,
                  .bytes = {}});
    if (const auto news = filter.LastNews())
      last_news = std::chrono::duration<double>(*news - kStart).count();
    if (at > settled) longest = std::max(longest, at - last_news);
  }
  return longest;
}

TEST(Heartbeat, WhatComesAtRandomIsNewsHoweverRarelyItIsLookedAt) {
  std::mt19937 random(1);
  for (const double look : {0.5, 1.0, 2.0, 4.0}) {
    for (const double period : {0.5, 1.0, 1.5, 3.0}) {
      std::exponential_distribution<double> poisson(1 / period);
      std::uniform_real_distribution<double> uniform(0.1 * period, 1.9 * period);
      EXPECT_LT(LongestWithoutNews(look, 60, [&](int) { return poisson(random); }), 250)
          << look << " " << period;
      EXPECT_LT(LongestWithoutNews(look, 60, [&](int) { return uniform(random); }), 250)
          << look << " " << period;
    }
  }
}

TEST(Heartbeat, AClockIsNoNewsHoweverRarelyItIsLookedAt) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> jitter(0, 0.05);
  for (const double look : {0.5, 1.0, 2.0}) {
    for (const double period : {1.0, 1.3, 2.0, 5.0}) {
      if (period >= look && period < 1.5 * look) continue;  // it may be met at each look
      // Sleeps between beats: what is late once is late for ever.
      EXPECT_GT(LongestWithoutNews(look, 60, [&](int) { return period + jitter(random); }), 1000)
          << look << " " << period;
    }
  }
}

TEST(Heartbeat, MovesItsTimes) {
  HeartbeatFilter filter;
  filter.Add(Message(1, 40));
  filter.Move(seconds(3), At(10));
  EXPECT_EQ(LastNews(filter), 4);
  filter.Move(seconds(30), At(10));
  EXPECT_EQ(LastNews(filter), 10);
}

Connection Tcp(uint64_t id, double last, uint64_t received, uint64_t sent = 0) {
  return {
      .id = id, .peer = 7, .received = received, .messages = received / 40, .sent = sent, .last = At(last)};
}

TEST(Arrivals, WhatAConnectionHadWhenItWasFirstSeenIsNotCounted) {
  Arrivals arrivals(kStart);
  arrivals.Add(At(2), std::vector{Tcp(1, 1.9, 5000)});
  EXPECT_EQ(arrivals.LastNews(), kStart);
  EXPECT_EQ(arrivals.Bytes(), 0U);
  arrivals.Add(At(4), std::vector{Tcp(1, 3.5, 5040)});
  EXPECT_EQ(arrivals.LastNews(), At(3.5));
  EXPECT_EQ(arrivals.Bytes(), 40U);
}

TEST(Arrivals, NewsStayWhenTheirConnectionGoes) {
  Arrivals arrivals(kStart);
  arrivals.Add(At(2), std::vector{Tcp(1, 1, 40)});
  arrivals.Add(At(4), std::vector{Tcp(1, 3, 80)});
  arrivals.Add(At(6), {});
  EXPECT_EQ(arrivals.LastNews(), At(3));
}

TEST(Arrivals, ARequestThatIsMadeAgainAndAgainIsARhythm) {
  Arrivals arrivals(kStart);
  for (uint64_t turn = 1; turn < 20; ++turn) {
    const double begin = 10.0 * static_cast<double>(turn);
    arrivals.Add(At(begin), std::vector{Tcp(turn, begin, 0, 100)});
    arrivals.Add(At(begin + 5), std::vector{Tcp(turn, begin + 4, 120, 100)});
  }
  EXPECT_EQ(arrivals.LastNews(), kStart);
}

TEST(Arrivals, WhatIsTakenLateCameWhenItWasTaken) {
  Arrivals arrivals(kStart);
  arrivals.Add(At(2), std::vector{Tcp(1, 1, 0)});
  arrivals.Add(At(4), std::vector{Tcp(1, 1, 0)});
  arrivals.Add(At(6), std::vector{Tcp(1, 1, 40)});
  EXPECT_EQ(arrivals.LastNews(), At(6));
}

TEST(Arrivals, BeatsThatComeAsTheyAreLookedAtAreARhythmToo) {
  Arrivals arrivals(kStart);
  for (uint64_t turn = 1; turn < 20; ++turn) {
    const auto at = static_cast<double>(turn);
    const double received = at - 0.01;  // and every other time it is taken after the look
    arrivals.Add(At(at), std::vector{Tcp(1, received, 40 * (turn - turn % 2))});
    arrivals.Add(At(at + 0.3), std::vector{Tcp(1, received, 40 * turn)});
  }
  EXPECT_LT(arrivals.LastNews(), At(2));
}

TEST(Arrivals, AreBounded) {
  Arrivals arrivals(kStart);
  std::vector<Connection> many;
  for (uint64_t id = 0; id < 10'000; ++id) many.push_back(Tcp(id, 1, 40));
  arrivals.Add(At(2), many);
  for (Connection& connection : many) connection = Tcp(connection.id, 3, 80);
  arrivals.Add(At(4), many);
  EXPECT_EQ(arrivals.Bytes(), 40 * Arrivals::kConnections);
}

}  // namespace
}  // namespace imagebatch::hang
