// Plain progress of BuildKit: bounded, and the current phase is one of the phases.
#include "hang/phase.h"

#include <algorithm>

#include "fuzz/fuzz.h"
#include "hang/patience.h"

using namespace imagebatch;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hang::PhaseLog log;
  hang::TimePoint now{};
  std::string_view rest = fuzz::Text(data, size);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    now += std::chrono::seconds(1);
    log.Add(line, now);
    const int factor = hang::PatienceOf(log.Current(), line).factor;
    fuzz::Expect(factor >= 1 && factor <= 3, "patience has a limit");
  }
  const auto phases = log.Until(now);
  fuzz::Expect(phases.size() <= hang::PhaseLog::kPhases, "so many phases");
  const std::string_view current = log.Current();
  bool found = current.empty();
  for (const hang::Phase& phase : phases) {
    fuzz::Expect(phase.name.size() <= hang::PhaseLog::kNameBytes, "names are cut");
    fuzz::Expect(
        phase.seconds >= 0 && now - hang::TimePoint{} >= std::chrono::duration<double>(phase.seconds),
        "no phase is longer than the build");
    found = found || phase.name == current;
  }
  fuzz::Expect(found, "the current phase is one of them");
  return 0;
}
