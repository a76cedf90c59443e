#include "hang/verdict.h"

#include <utility>

#include "contract/contract.h"

namespace imagebatch::hang {

// One more class is one more name, or this does not compile.
static_assert(kAllClasses.size() == contract::kClasses.size());

std::string_view Name(Class hang_class) { return contract::kClasses[static_cast<size_t>(hang_class)]; }

bool Changed(const Verdict& before, const Verdict& after) {
  if (before.Hung() != after.Hung()) return true;
  return before.Hung() && before.finding->hang_class != after.finding->hang_class;
}

Verdict Next(const Verdict& before, std::optional<Finding> found, TimePoint now) {
  Verdict after{std::move(found), now};
  if (!Changed(before, after)) after.since = before.since;
  return after;
}

}  // namespace imagebatch::hang
