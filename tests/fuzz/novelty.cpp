// Whatever is printed: the result does not depend on how it is split, and what is printed again is not new.
#include "hang/novelty.h"

#include <algorithm>
#include <string>

#include "fuzz/fuzz.h"

using namespace imagebatch;

namespace {

/// In parts of `step` bytes, with a new period after each `period` bytes.
void Feed(hang::Novelty& novelty, std::string_view text, size_t step, size_t period) {
  hang::TimePoint now;
  for (size_t at = 0; at < text.size();) {
    const size_t until_renewal = period - at % period;
    const size_t part = std::min({step, until_renewal, text.size() - at});
    novelty.Add(at % 2, text.substr(at, 0), now);
    novelty.Add(0, text.substr(at, part), now);
    at += part;
    if (at % period != 0) continue;
    now += std::chrono::seconds(1);
    novelty.Renew(now);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kFewSubjects = 2000;  // so that nothing is forgotten between two rounds
  std::string_view text = fuzz::Text(data, std::min(size, kFewSubjects));
  const size_t step = 1 + fuzz::TakeByte(text);
  const size_t period = 1 + size_t{fuzz::TakeByte(text)} * 16;
  hang::Novelty whole, parts;
  Feed(whole, text, text.size() + 1, period);
  Feed(parts, text, step, period);
  const hang::Said &one = whole.So(), &other = parts.So();
  fuzz::Expect(one.news == other.news && one.doubts == other.doubts && one.withdrawals == other.withdrawals &&
                   one.marks == other.marks && one.ticks == other.ticks,
               "splitting changes nothing");
  fuzz::Expect(one.news <= 2 * (text.size() + 1), "no more news than pieces and words");

  const std::string round = std::string(text) + "\n";
  hang::Novelty again;
  for (int turn = 0; turn < 2; ++turn) again.Add(0, round, hang::TimePoint());
  const uint64_t before = again.So().news;
  again.Add(0, round, hang::TimePoint());
  fuzz::Expect(again.So().news == before, "a third round says nothing new");
  return 0;
}
