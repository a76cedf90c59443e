#include "cli/view/spans.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace imagebatch::cli {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kMinute = 60, kHour = 3600, kDay = 86400;

/// `large` of one unit and, where there are any, `small` of the next.
std::string Two(int64_t large, const char* unit, int64_t small, const char* next) {
  return std::to_string(large) + unit + (small == 0 ? "" : std::to_string(small) + next);
}

}  // namespace

// As apimachinery's HumanDuration: two units where the second still says something.
std::string Span(Duration span) {
  const int64_t seconds =
      std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(span).count());
  const int64_t minutes = seconds / kMinute, hours = seconds / kHour, days = seconds / kDay;
  if (seconds < 2 * kMinute) return std::to_string(seconds) + "s";
  if (minutes < 10) return Two(minutes, "m", seconds % kMinute, "s");
  if (hours < 3) return std::to_string(minutes) + "m";
  if (hours < 8) return Two(hours, "h", minutes % 60, "m");
  if (hours < 48) return std::to_string(hours) + "h";
  if (days < 8) return Two(days, "d", hours % 24, "h");
  return std::to_string(days) + "d";
}

std::optional<Duration> ParseSpan(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Duration>, 4> kUnits = {
      {{"ms", 1ms}, {"s", 1s}, {"m", 60s}, {"h", 3600s}}};
  constexpr Duration kMost = 8760h;
  if (text == "0") return 0ms;
  if (text.empty()) return std::nullopt;
  Duration sum{};
  while (!text.empty()) {
    uint32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const auto& one) { return text.starts_with(one.first); });
    if (unit == kUnits.end()) return std::nullopt;
    text.remove_prefix(unit->first.size());
    sum += count * unit->second;
    if (sum > kMost) return std::nullopt;
  }
  return sum;
}

}  // namespace imagebatch::cli
