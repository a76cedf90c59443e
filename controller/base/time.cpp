#include "base/time.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace imagebatch {
namespace {

std::optional<int> Digits(std::string_view text, size_t at, size_t count) {
  int value = 0;
  for (size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

/// Without what stands behind the seconds.
std::string FormatSeconds(Time time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - days));
  std::array<char, 48> buffer;
  const int length =
      std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                    static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                    static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                    static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return std::string(buffer.data(), static_cast<size_t>(length));
}

}  // namespace

Time SystemClock::Now() const {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::Steady() const { return std::chrono::steady_clock::now(); }

std::string FormatTime(Time time) { return FormatSeconds(time) + "Z"; }

std::string FormatTimeMillis(Time time) {
  const auto fraction = time - std::chrono::floor<std::chrono::seconds>(time);
  std::array<char, 8> buffer;
  std::snprintf(buffer.data(), buffer.size(), ".%03dZ", static_cast<int>(fraction.count()));
  return FormatSeconds(time) + buffer.data();
}

std::optional<Time> ParseTime(std::string_view text) {
  if (text.size() >= 25 && text.back() != 'Z') {
    const std::string_view offset = text.substr(text.size() - 6);
    const auto hours = Digits(offset, 1, 2), minutes = Digits(offset, 4, 2);
    if ((offset[0] != '+' && offset[0] != '-') || !hours || offset[3] != ':' || !minutes) return std::nullopt;
    const auto local = ParseTime(std::string(text.substr(0, text.size() - 6)) + "Z");
    if (!local || *hours > 23 || *minutes > 59) return std::nullopt;
    const Duration ahead = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    return offset[0] == '+' ? *local - ahead : *local + ahead;
  }
  if (text.size() < 20 || text.size() > 35 || text.back() != 'Z') return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  const auto year = Digits(text, 0, 4), month = Digits(text, 5, 2), day = Digits(text, 8, 2);
  const auto hour = Digits(text, 11, 2), minute = Digits(text, 14, 2), second = Digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  int millis = 0;
  if (text[19] == '.') {
    int scale = 100;
    for (size_t i = 20; i + 1 < text.size(); ++i, scale /= 10) {
      const auto digit = Digits(text, i, 1);
      if (!digit) return std::nullopt;
      millis += *digit * scale;
    }
  } else if (text.size() != 20) {
    return std::nullopt;
  }
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + std::chrono::milliseconds(millis);
}

double UnixSeconds(Time time) { return static_cast<double>(time.time_since_epoch().count()) / 1000.0; }

}  // namespace imagebatch
