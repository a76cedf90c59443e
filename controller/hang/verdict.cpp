#include "hang/verdict.h"

#include <utility>

namespace imagebatch::hang {

std::string_view Name(Class hang_class) {
  switch (hang_class) {
    case Class::Deadlock:
      return "Deadlock";
    case Class::Idle:
      return "Idle";
    case Class::Busy:
      return "Busy";
    case Class::Looping:
      return "Looping";
    case Class::Deadline:
      return "Deadline";
  }
  return "";
}

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
