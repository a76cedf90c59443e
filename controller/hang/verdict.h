#pragma once
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace imagebatch::hang {

/// Monotonic time: a wall clock that jumps must not make or end a hang.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::milliseconds;

/// What kind of hang; the names stand in conditions, metrics and alerts.
enum class Class { Deadlock, Idle, Busy, Looping, Overdue, Deadline };
inline constexpr std::array<Class, 6> kAllClasses = {Class::Deadlock, Class::Idle,    Class::Busy,
                                                     Class::Looping,  Class::Overdue, Class::Deadline};
std::string_view Name(Class hang_class);

/// What a check has found. The same three feed the condition, the Event, the log line and the metric.
struct Finding {
  Class hang_class;
  std::string reason;   // CamelCase, from a fixed set; the pattern that is Overdue
  std::string message;  // one sentence for a person, at most 280 bytes
};

/// Progressing (no finding) or Hung, and since when.
struct Verdict {
  std::optional<Finding> finding;
  TimePoint since;

  bool Hung() const { return finding.has_value(); }
};

/// The verdict that follows `before`. `since` moves only when the class changes, so that a hang keeps the
/// time at which it was first seen.
Verdict Next(const Verdict& before, std::optional<Finding> found, TimePoint now);

/// True where `before` and `after` differ for an observer: another class, or hung no more.
bool Changed(const Verdict& before, const Verdict& after);

}  // namespace imagebatch::hang
