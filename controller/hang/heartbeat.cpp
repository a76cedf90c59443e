#include "hang/heartbeat.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "hang/arrivals.h"

namespace imagebatch::hang {
namespace {

using Seconds = std::chrono::duration<double>;

/// What is larger than a heartbeat, or more often, is a stream.
constexpr double kMostBytes = 512;
constexpr double kMostBytesPerSecond = 400;
constexpr double kShortestPeriod = 0.2;
/// Without bytes: daemons tell of their progress several times a second (dockerd ten times, BuildKit seven),
/// and no heartbeat that is in use comes more often than once.
constexpr double kShortestPeriodBlind = 0.4;

/// How far apart the distances may be and still be equal: a timer on a machine that does much else.
constexpr double kPart = 0.05;
constexpr double kJitter = 0.07;  // seconds

/// How far apart the bytes of slow beats that are answered may be: two control frames of HTTP/2 (RFC 9113,
/// WINDOW_UPDATE 13, PING 17) and some of their compressed headers.
constexpr double kNearly = 34;
constexpr double kSlow = 3;    // seconds
constexpr double kRest = 0.3;  // so much later the other piece comes

/// So many beats make a rhythm. Random times are taken for one the less the more there are, and the longer
/// they are beside the jitter.
constexpr size_t kFewestSlow = 3;
constexpr size_t kFewest = 5;
constexpr size_t kFewestBlurred = 5, kMostBlurred = 7;
/// Wake-ups have nothing but their times: so many more of them must keep time, and once some have kept none
/// after all, more still.
constexpr size_t kMoreBlind = 3, kMoreStrayed = 6, kMostStrayed = 42;

/// A rhythm that has lasted for so many beats goes on when one is late, or left out.
constexpr int kKnown = 5;
constexpr double kLongestPause = 4;  // beats, of which all but one are left out

double Between(const Arrival& earlier, const Arrival& later) {
  return Seconds(later.at - earlier.at).count();
}

double Blur(const Arrival& arrival) { return Seconds(arrival.blur).count(); }

double Bytes(const Arrival& arrival) { return static_cast<double>(arrival.bytes.value_or(0)); }

double PerMessage(const Arrival& arrival) { return Bytes(arrival) / static_cast<double>(arrival.messages); }

bool EqualSums(const Arrival& one, const Arrival& other) {
  const double apart = one.answered && other.answered ? kNearly : 0;
  return one.bytes && std::abs(Bytes(one) - Bytes(other)) <= apart;
}

bool Alike(const Arrival& one, const Arrival& other, bool nearly) {
  if (one.bytes.has_value() != other.bytes.has_value()) return false;
  return (nearly ? EqualSums(one, other) : one.bytes && one.bytes == other.bytes) ||
         std::abs(PerMessage(one) - PerMessage(other)) < 0.5;
}

struct Beat {
  double period, bytes;
  bool one_each;
};

double Steps(const Arrival& arrival, bool one_each) {
  return one_each ? 1.0 : static_cast<double>(arrival.messages);
}

/// Small and rare enough; equal to the byte where they are fast or nobody answers.
bool MayBeat(const Beat& beat, const std::vector<const Arrival*>& beats) {
  const Arrival& last = *beats.front();
  if (!last.bytes) return !last.sure || beat.period >= kShortestPeriodBlind;
  if (beat.bytes > kMostBytes || beat.bytes > kMostBytesPerSecond * beat.period ||
      beat.period < kShortestPeriod)
    return false;
  return !beat.one_each || beat.period >= kSlow ||
         std::all_of(beats.begin(), beats.end(),
                     [&last](const Arrival* each) { return each->bytes == last.bytes; });
}

/// How far from its time a beat may be met. Of wake-ups the number is known as of each look, so it is at most
/// one beat off, however long the looks are.
double Off(double period, double blur, bool counted) {
  return kPart * period + kJitter + (counted ? blur : std::min(blur, period));
}

/// Beats, latest first, as a whole.
struct Row {
  explicit Row(const std::vector<const Arrival*>& beats, bool each_one) : one_each(each_one) {
    for (const Arrival* beat : beats) {
      if (beat != beats.back()) steps += Steps(*beat, one_each);
      blur = std::max(blur, Blur(*beat));
    }
    period = Between(*beats.back(), *beats.front()) / steps;
  }

  bool one_each;
  double steps = 0;  // from the first to the last
  double blur = 0;   // the largest
  double period = 0;
};

/// Whether they lie on one line. What comes at random strays from it the further the longer it lasts, and a
/// clock does not.
bool KeepsTime(const std::vector<const Arrival*>& beats, const Row& row) {
  const Arrival& last = *beats.front();
  double before = 0;  // steps from the last
  for (size_t index = 0; index + 1 < beats.size(); ++index) {
    before += Steps(*beats[index], row.one_each);
    const double off = Between(*beats[index + 1], last) - before * row.period;
    if (std::abs(off) > Off(row.period, row.blur, last.bytes.has_value())) return false;
  }
  return true;
}

/// The rhythm of arrivals that are alike, latest first, where they have one.
std::optional<Beat> RhythmOf(const std::vector<const Arrival*>& beats) {
  const Arrival& last = *beats.front();
  const bool one_each = std::all_of(beats.begin(), beats.end(),
                                    [&last](const Arrival* each) { return EqualSums(*each, last); });
  const Row row(beats, one_each);
  const Beat beat{
      .period = row.period, .bytes = one_each ? Bytes(last) : PerMessage(last), .one_each = one_each};
  if (!MayBeat(beat, beats)) return std::nullopt;
  // What is met once in each look looks regular, however it comes.
  if (row.steps < static_cast<double>(beats.size()) && (last.bytes || last.sure) &&
      row.blur > beat.period / 2)
    return std::nullopt;
  const double jitter = kPart * beat.period + kJitter;
  for (size_t index = 0; index + 1 < beats.size(); ++index) {
    const double step = Steps(*beats[index], one_each);
    const double gap = Between(*beats[index + 1], *beats[index]) / step;
    if (std::abs(gap - beat.period) > jitter + row.blur / step) return std::nullopt;
  }
  if (!KeepsTime(beats, row)) return std::nullopt;
  return beat;
}

}  // namespace

bool HeartbeatFilter::Add(const Arrival& arrival) {
  Entry& entry = entries_.emplace_back(Entry{arrival});
  entry.beat = Continues(arrival) || Begins(entry);
  const bool news = !entry.beat;
  if (entries_.size() > (arrival.bytes ? kRemembered : kRememberedBlind)) {
    if (!entries_.front().beat) forgotten_news_ = entries_.front().arrival.at;
    entries_.erase(entries_.begin());
  }
  return news;
}

bool HeartbeatFilter::Continues(const Arrival& arrival) {
  for (auto rhythm = rhythms_.begin(); rhythm != rhythms_.end(); ++rhythm) {
    const bool nearly =
        rhythm->period >= kSlow && rhythm->beat.answered && arrival.bytes && rhythm->beat.bytes;
    const double passed = Between(rhythm->beat, arrival);
    if (nearly && passed <= kRest && Bytes(arrival) <= rhythm->room) {
      rhythm->room -= Bytes(arrival);
      return true;
    }
    const bool one_each =
        rhythm->one_each && (!arrival.bytes || nearly || arrival.bytes == rhythm->beat.bytes);
    const double steps = Steps(arrival, one_each);
    const bool same = arrival.bytes.has_value() == rhythm->beat.bytes.has_value() &&
                      std::abs(Bytes(arrival) / steps - rhythm->bytes) < 0.5;
    const bool less = nearly && arrival.answered && Bytes(arrival) <= rhythm->bytes + kNearly;
    if (!same && !less) continue;
    const auto on_beat = [&](const Arrival& before) {
      const double gap = Between(before, arrival) / steps;
      const double turns = std::max(1.0, std::round(gap / rhythm->period));
      return turns <= (rhythm->beats < kKnown ? 1 : kLongestPause) &&
             std::abs(gap - turns * rhythm->period) <= kPart * rhythm->period + kJitter + Blur(arrival);
    };
    // One look after the other may fit, and all together not: where only wake-ups are seen, the looks are
    // longer than the beats.
    if (arrival.blur > Duration(0) && !arrival.bytes) {
      const std::vector<const Arrival*> beats = SinceBegun(*rhythm);
      if (!KeepsTime(beats, Row(beats, false))) {
        rhythms_.erase(rhythm);
        strays_ = std::min(strays_ + kMoreStrayed, kMostStrayed);
        return false;
      }
    }
    if (on_beat(rhythm->beat) || (rhythm->late && on_beat(*rhythm->late))) {
      rhythm->beat = arrival;
      rhythm->room = rhythm->bytes + kNearly - Bytes(arrival);
      rhythm->late.reset();
      ++rhythm->beats;
      return true;
    }
    if (!same) continue;
    if (rhythm->beats >= kKnown && !rhythm->late) {
      rhythm->late = arrival;
      return true;
    }
    if (rhythm->late) MakeNews(rhythm->late->at);
    rhythms_.erase(rhythm);
    return false;
  }
  return false;
}

std::vector<const Arrival*> HeartbeatFilter::SinceBegun(const Rhythm& rhythm) const {
  std::vector<const Arrival*> arrivals;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && entry->arrival.at >= rhythm.begun;
       ++entry) {
    if (!entry->arrival.bytes) arrivals.push_back(&entry->arrival);
  }
  return arrivals;
}

void HeartbeatFilter::MakeNews(TimePoint at) {
  for (Entry& entry : entries_) {
    if (entry.arrival.at == at) entry.beat = false;
  }
}

bool HeartbeatFilter::Begins(Entry& entry) {
  return Begins(entry, false) || (entry.arrival.answered && Begins(entry, true));
}

bool HeartbeatFilter::Begins(Entry& entry, bool nearly) {
  const bool blurred = entry.arrival.blur > Duration(0);
  const size_t more = entry.arrival.bytes ? 0 : kMoreBlind + strays_;
  std::vector<Entry*> alike;  // latest first
  std::vector<const Arrival*> beats;
  std::optional<Beat> beat;
  for (auto each = entries_.rbegin(); each != entries_.rend(); ++each) {
    if (!Alike(each->arrival, entry.arrival, nearly)) continue;
    alike.push_back(&*each);
    beats.push_back(&each->arrival);
    if (blurred ? beats.size() >= kFewestBlurred + more
                : beats.size() == kFewestSlow || beats.size() == kFewest) {
      beat = RhythmOf(beats);
      if (beat && !blurred && beats.size() < kFewest && beat->period < kSlow) beat.reset();
    }
    if (blurred ? beats.size() == kMostBlurred + more : beat || beats.size() == kFewest) break;
  }
  if (!beat) return false;
  // Where the same clock begins to say something longer, that is news, once.
  const bool changed = std::any_of(rhythms_.begin(), rhythms_.end(), [&beat](const Rhythm& rhythm) {
    return std::abs(rhythm.period - beat->period) <= kPart * beat->period + kJitter &&
           std::abs(rhythm.bytes - beat->bytes) >= 0.5;
  });
  for (Entry* each : alike) each->beat |= !changed || each != alike.back();
  if (rhythms_.size() == kRhythms) rhythms_.erase(rhythms_.begin());
  rhythms_.push_back({.beat = entry.arrival,
                      .begun = beats.back()->at,
                      .period = beat->period,
                      .bytes = beat->bytes,
                      .one_each = beat->one_each,
                      .room = kNearly,
                      .beats = static_cast<int>(beats.size())});
  return true;
}

void HeartbeatFilter::Forget(TimePoint at) {
  std::erase_if(entries_, [at](const Entry& entry) { return entry.arrival.at == at; });
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
  for (Rhythm& rhythm : rhythms_) {
    move(rhythm.beat.at);
    move(rhythm.begun);
    if (rhythm.late) move(rhythm.late->at);
  }
  if (forgotten_news_) move(*forgotten_news_);
}

namespace {

constexpr int kStream = 3;  // arrivals
/// What came so shortly before a look may be taken only behind it; the kernel's times come in steps of 10 ms.
constexpr Duration kTaking{100};

uint64_t Grown(uint64_t before, uint64_t now) { return now - std::min(before, now); }

}  // namespace

void Arrivals::Add(TimePoint now, std::span<const Connection> connections) {
  for (auto& [id, followed] : followed_) followed.present = false;
  for (const Connection& connection : connections) {
    const auto known = followed_.find(connection.id);
    if (known == followed_.end()) {
      if (followed_.size() < kConnections)
        followed_[connection.id] = {.before = connection, .filter = {}, .present = true};
      continue;
    }
    Followed& followed = known->second;
    followed.present = true;
    const uint64_t sent = Grown(followed.before.sent, connection.sent);
    if (connection.exact) bytes_ += sent;
    followed.answered |= sent > 0;
    Receive(now, followed, connection);
    followed.before = connection;
  }
  for (auto each = followed_.begin(); each != followed_.end();) {
    if (each->second.present) {
      ++each;
      continue;
    }
    last_news_ = std::max(last_news_, each->second.filter.LastNews().value_or(last_news_));
    each = followed_.erase(each);
  }
  looked_ = now;
}

void Arrivals::Receive(TimePoint now, Followed& followed, const Connection& connection) {
  const uint64_t messages = Grown(followed.before.messages, connection.messages);
  Arrival arrival{.at = std::min(connection.last, now),
                  .blur = connection.blur,
                  .messages = std::max<uint64_t>(messages, 1),
                  .sure = connection.sure,
                  .answered = followed.answered};
  // It came before and was taken only now.
  if (arrival.at + kTaking <= looked_) arrival.at = now;
  arrival.at = std::max(arrival.at, looked_);
  if (connection.received) {
    arrival.bytes = Grown(followed.before.received.value_or(0), *connection.received);
    if (*arrival.bytes == 0) return;
  } else if (messages == 0) {
    return;
  }
  followed.answered = false;
  bool news = false;
  if (followed.arrivals++ == 0) {
    if (answers_.size() >= kConnections) {
      for (const auto& [peer, answers] : answers_)
        last_news_ = std::max(last_news_, answers.LastNews().value_or(last_news_));
      answers_.clear();
    }
    news = answers_[connection.peer].Add(arrival);
    followed.first = arrival;
  } else {
    if (followed.first) {
      answers_[connection.peer].Forget(followed.first->at);
      followed.filter.Add(*std::exchange(followed.first, std::nullopt));
    }
    news = followed.filter.Add(arrival);
  }
  if (!news) return;
  bytes_ += arrival.bytes.value_or(0);
  if (followed.arrivals >= kStream) streamed_bytes_ += arrival.bytes.value_or(0);
}

TimePoint Arrivals::LastNews() const {
  TimePoint last = last_news_;
  for (const auto& [id, followed] : followed_)
    last = std::max(last, followed.filter.LastNews().value_or(last));
  for (const auto& [peer, answers] : answers_) last = std::max(last, answers.LastNews().value_or(last));
  return last;
}

void Arrivals::Move(std::chrono::steady_clock::duration by, TimePoint now) {
  last_news_ = std::min(last_news_ + by, now);
  for (auto& [id, followed] : followed_) {
    followed.filter.Move(by, now);
    if (followed.first) followed.first->at = std::min(followed.first->at + by, now);
  }
  for (auto& [peer, answers] : answers_) answers.Move(by, now);
}

}  // namespace imagebatch::hang
