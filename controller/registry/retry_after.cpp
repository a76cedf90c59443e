#include "registry/retry_after.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace imagebatch::registry {

using std::chrono::seconds;

std::optional<seconds> ParseRetryAfter(std::string_view text, Time now) {
  constexpr int64_t kMost = 1'000'000'000;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return seconds(kMost);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (number < 0) return std::nullopt;
    return seconds(std::min(number, kMost));
  }
  std::tm date{};
  const std::string copy(text);
  // The C locale's names of days and months, as HTTP has them: this program sets no other
  const char* const rest = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  const Time at = Time(seconds(timegm(&date)));
  return std::max(std::chrono::ceil<seconds>(at - now), seconds(0));
}

}  // namespace imagebatch::registry
