#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace imagebatch {

/// Wall-clock time, as it stands in objects and metrics. Never used to decide how long something has lasted
/// within this process: that is SteadyTime.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;
/// Monotonic time; only differences mean something.
using SteadyTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::milliseconds;

/// The one source of time of the parts that act; parts that decide take `now` as an argument.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time Now() const = 0;
  virtual SteadyTime Steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time Now() const override;
  SteadyTime Steady() const override;
};

/// RFC 3339 in UTC with whole seconds, the form of metav1.Time: 2026-01-02T03:04:05Z.
std::string FormatTime(Time time);
/// The same with milliseconds: 2026-01-02T03:04:05.678Z.
std::string FormatTimeMillis(Time time);
/// Reads RFC 3339, in UTC ("Z") or with an offset ("+02:00"), with or without a fraction (kept to
/// milliseconds); nothing for anything else.
std::optional<Time> ParseTime(std::string_view text);

/// Seconds since the epoch, as Prometheus wants timestamps.
double UnixSeconds(Time time);

}  // namespace imagebatch
