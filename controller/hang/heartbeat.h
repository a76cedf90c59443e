#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "hang/verdict.h"

namespace imagebatch::hang {

/// What came over one connection between two looks at it.
struct Arrival {
  TimePoint at;                        // when the last of it came
  Duration blur{0};                    // it may have been earlier by so much
  uint64_t messages = 1;               // at least 1
  std::optional<uint64_t> bytes = {};  // absent: nobody counts them
  bool sure = true;                    // false: a wake-up for another reason looks the same
  bool answered = false;               // something was sent since the arrival before
};

/// Tells what comes over one connection from the heartbeat of that connection.
///
/// A heartbeat are equal small messages at equal distances: HTTP/2's PING (17 bytes), the health check of
/// gRPC (BuildKit makes one every 5 s), the keepalive of SSH or of a WebSocket. It says that the other end is
/// there and not that it works. Everything else that comes is news, however little it is. Some beats make a
/// rhythm, and the first of them are then seen for what they were. A rhythm that leaves out a beat, has a
/// late one, or lies between other messages, is still one. Once the same clock says something longer that is
/// news.
///
/// Slow beats that are answered need only be nearly equal: measured on a BuildKit client, its health check
/// has 196 bytes, at times 188 (headers are compressed) or 226 (with a WINDOW_UPDATE and a PING of HTTP/2),
/// or comes in two pieces.
///
/// Where bytes are not counted, the distances alone decide; then what comes more often than a heartbeat does
/// is news. So is what keeps no time over all that is remembered: of a look that is longer than the beats
/// only their number is known, and few of them fit any rhythm.
class HeartbeatFilter {
 public:
  /// Later than those before. Whether it is news, as far as can be told now.
  bool Add(const Arrival& arrival);
  /// As if what came at that time had not been.
  void Forget(TimePoint at);
  /// When the last news came, by all that is known by now; nothing where there was none.
  std::optional<TimePoint> LastNews() const;
  /// Moves all times, as far as to `now`.
  void Move(std::chrono::steady_clock::duration by, TimePoint now);

 private:
  static constexpr size_t kRemembered = 24, kRememberedBlind = 64;  // arrivals, with bytes and without
  static constexpr size_t kRhythms = 4;

  struct Entry {
    Arrival arrival;
    bool beat = false;
  };
  struct Rhythm {
    Arrival beat;          // the last one
    TimePoint begun;       // the first one that is known of
    double period = 0;     // seconds, between messages
    double bytes = 0;      // of one
    bool one_each = true;  // an arrival is one beat, in however many messages
    double room = 0;       // bytes that one of them may still have
    int beats = 0;
    std::optional<Arrival> late = {};  // after the last beat, and not at its time
  };
  bool Continues(const Arrival& arrival);
  /// What is remembered of wake-ups since then, latest first.
  std::vector<const Arrival*> SinceBegun(const Rhythm& rhythm) const;
  void MakeNews(TimePoint at);
  bool Begins(Entry& entry);
  bool Begins(Entry& entry, bool nearly);

  std::vector<Entry> entries_;  // oldest first
  std::vector<Rhythm> rhythms_;
  size_t strays_ = 0;  // so many more wake-ups make a rhythm than at first
  std::optional<TimePoint> forgotten_news_;
};

}  // namespace imagebatch::hang
