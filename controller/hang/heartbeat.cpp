#include "hang/heartbeat.h"

#include <algorithm>
#include <cmath>

namespace imagebatch::hang {
namespace {

using Seconds = std::chrono::duration<double>;

/// A health check of gRPC has about 100 bytes. A second of what is larger than a heartbeat, or more often, is
/// a stream.
constexpr double kMostBytes = 512;
constexpr double kMostBytesPerSecond = 400;
constexpr double kShortestPeriod = 0.2;
/// Without bytes: daemons tell of their progress several times a second (dockerd ten times, BuildKit seven),
/// and no heartbeat that is in use comes more often than once.
constexpr double kShortestPeriodBlind = 0.4;

/// How far apart the distances may be and still be equal: a timer on a machine that does much else.
constexpr double kPart = 0.15;
constexpr double kJitter = 0.06;  // seconds

/// So many beats are compared, where their times are known well and where they are not. Random times are
/// taken for a rhythm the less the more there are.
constexpr size_t kFewest = 3;
constexpr size_t kMostSharp = 4;
constexpr size_t kMostBlurred = 7;
constexpr int kLongestPause = 4;  // beats that may be left out, one included
constexpr int kMostMissed = 2;

double Between(const Arrival& earlier, const Arrival& later) {
  return Seconds(later.at - earlier.at).count();
}

double Blur(const Arrival& arrival) { return Seconds(arrival.blur).count(); }

double PerMessage(const Arrival& arrival) {
  return static_cast<double>(arrival.bytes.value_or(0)) / static_cast<double>(arrival.messages);
}

bool SameBytes(const Arrival& one, const Arrival& other) { return one.bytes && one.bytes == other.bytes; }

bool Alike(const Arrival& one, const Arrival& other) {
  if (one.bytes.has_value() != other.bytes.has_value()) return false;
  return SameBytes(one, other) || std::abs(PerMessage(one) - PerMessage(other)) < 0.5;
}

/// How many beats `arrival` is: equal sums are one beat each, however many pieces it was cut into; else each
/// message is one.
double Beats(const Arrival& arrival, bool one_each) {
  return one_each ? 1.0 : static_cast<double>(arrival.messages);
}

}  // namespace

bool HeartbeatFilter::Add(const Arrival& arrival) {
  Entry& entry = entries_.emplace_back(Entry{arrival});
  entry.beat = Continues(arrival) || Begins(entry);
  const bool news = !entry.beat;
  if (entries_.size() > kRemembered) {
    if (!entries_.front().beat) forgotten_news_ = entries_.front().arrival.at;
    entries_.pop_front();
  }
  return news;
}

bool HeartbeatFilter::Continues(const Arrival& arrival) {
  for (auto rhythm = rhythms_.begin(); rhythm != rhythms_.end(); ++rhythm) {
    if (!Alike(rhythm->beat, arrival)) continue;
    const bool one_each = SameBytes(rhythm->beat, arrival);
    const double passed = Between(rhythm->beat, arrival) / Beats(arrival, one_each);
    const double turns = std::max(1.0, std::round(passed / rhythm->period));
    const double late = std::abs(passed - turns * rhythm->period);
    if (turns <= kLongestPause && late <= kPart * rhythm->period + kJitter + Blur(arrival)) {
      rhythm->beat = arrival;
      rhythm->missed = 0;
      return true;
    }
    if (++rhythm->missed >= kMostMissed) rhythms_.erase(rhythm);
    return false;
  }
  return false;
}

bool HeartbeatFilter::Begins(Entry& entry) {
  const size_t most = entry.arrival.blur > Duration(0) ? kMostBlurred : kMostSharp;
  std::vector<Entry*> beats;  // latest first
  for (auto each = entries_.rbegin(); each != entries_.rend() && beats.size() < most; ++each) {
    if (Alike(each->arrival, entry.arrival)) beats.push_back(&*each);
  }
  const auto period = Period(beats);
  if (!period) return false;
  for (Entry* beat : beats) beat->beat = true;
  if (rhythms_.size() == kRhythms) rhythms_.erase(rhythms_.begin());
  rhythms_.push_back({entry.arrival, *period});
  return true;
}

/// The distance of the messages, in seconds, where it is equal and they are small enough; latest first.
std::optional<double> HeartbeatFilter::Period(const std::vector<Entry*>& beats) const {
  if (beats.size() < kFewest) return std::nullopt;
  const Arrival& last = beats.front()->arrival;
  const bool one_each = std::all_of(beats.begin(), beats.end(),
                                    [&](const Entry* beat) { return SameBytes(beat->arrival, last); });
  double count = 0, blur = Blur(beats.back()->arrival);
  for (size_t index = 0; index + 1 < beats.size(); ++index) {
    count += Beats(beats[index]->arrival, one_each);
    blur = std::max(blur, Blur(beats[index]->arrival));
  }
  const double period = Between(beats.back()->arrival, last) / count;
  const double bytes = one_each ? static_cast<double>(*last.bytes) : PerMessage(last);
  if (last.bytes && (bytes > kMostBytes || bytes > kMostBytesPerSecond * period || period < kShortestPeriod))
    return std::nullopt;
  if (!last.bytes && last.sure && period < kShortestPeriodBlind) return std::nullopt;
  const double off = kPart * period + kJitter + blur;
  double beat = 0;  // that many before the last
  for (size_t index = 0; index + 1 < beats.size(); ++index) {
    const Arrival& later = beats[index]->arrival;
    const Arrival& earlier = beats[index + 1]->arrival;
    const double step = Beats(later, one_each);
    const double gap = Between(earlier, later) / step;
    beat += step;
    const double expected = Seconds(last.at - earlier.at).count() - beat * period;
    if (std::abs(gap - period) > kPart * period + kJitter + blur / step || std::abs(expected) > off)
      return std::nullopt;
  }
  return period;
}

std::optional<TimePoint> HeartbeatFilter::LastNews() const {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (!entry->beat) return entry->arrival.at;
  }
  return forgotten_news_;
}

void HeartbeatFilter::Move(std::chrono::steady_clock::duration by, TimePoint now) {
  const auto move = [by, now](TimePoint& time) { time = std::min(time + by, now); };
  for (Entry& entry : entries_) move(entry.arrival.at);
  for (Rhythm& rhythm : rhythms_) move(rhythm.beat.at);
  if (forgotten_news_) move(*forgotten_news_);
}

}  // namespace imagebatch::hang
