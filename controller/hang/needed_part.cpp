#include "hang/needed_part.h"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

namespace imagebatch::hang {
namespace {

using Pids = std::unordered_set<int>;

bool AllIn(const std::vector<int>& pids, const Pids& set) {
  return !pids.empty() &&
         std::all_of(pids.begin(), pids.end(), [&set](int pid) { return set.contains(pid); });
}

/// The dead, and everybody who waits for them, at any remove.
Pids HeldUp(const std::vector<WaitingProcess>& dead, const std::vector<LivingProcess>& living) {
  Pids held;
  for (const WaitingProcess& process : dead) held.insert(process.pid);
  for (bool changed = true; changed;) {
    changed = false;
    for (const LivingProcess& process : living) {
      if (process.limit_ahead || held.contains(process.pid)) continue;
      const bool waits = std::any_of(process.awaits.begin(), process.awaits.end(),
                                     [&held](const std::vector<int>& who) { return AllIn(who, held); });
      if (!waits) continue;
      held.insert(process.pid);
      changed = true;
    }
  }
  return held;
}

/// Those of `held` for whom the command waits, itself included.
Pids AwaitedBy(int command, const std::vector<WaitingProcess>& dead, const std::vector<LivingProcess>& living,
               const Pids& held) {
  std::map<int, std::vector<int>> whom;
  for (const WaitingProcess& process : dead) {
    for (const Wait& wait : process.waits) {
      whom[process.pid].insert(whom[process.pid].end(), wait.wakers.begin(), wait.wakers.end());
    }
  }
  for (const LivingProcess& process : living) {
    for (const std::vector<int>& who : process.awaits) {
      if (AllIn(who, held)) whom[process.pid].insert(whom[process.pid].end(), who.begin(), who.end());
    }
  }
  Pids reached = {command};
  std::vector<int> open = {command};
  while (!open.empty()) {
    const int pid = open.back();
    open.pop_back();
    for (int next : whom[pid]) {
      if (held.contains(next) && reached.insert(next).second) open.push_back(next);
    }
  }
  return reached;
}

}  // namespace

DividedPart Divide(int command, std::vector<WaitingProcess> dead, const std::vector<LivingProcess>& living) {
  DividedPart divided;
  const Pids held = HeldUp(dead, living);
  const bool may_be_ended = std::any_of(living.begin(), living.end(), [&held](const LivingProcess& process) {
    return process.sleeps && !held.contains(process.pid);
  });
  Pids needed;
  if (held.contains(command)) needed = AwaitedBy(command, dead, living, held);
  if (may_be_ended && needed.size() > 1) needed.clear();
  for (WaitingProcess& process : dead) {
    if (needed.contains(process.pid)) {
      divided.needed.push_back(std::move(process));
      continue;
    }
    divided.others_awaited |=
        std::any_of(living.begin(), living.end(), [&process](const LivingProcess& other) {
          return std::any_of(other.awaits.begin(), other.awaits.end(),
                             [&process](const std::vector<int>& who) {
                               return std::find(who.begin(), who.end(), process.pid) != who.end();
                             });
        });
    divided.others.push_back(std::move(process));
  }
  return divided;
}

bool RunOutLimits::Limit::Holds(TimePoint now, bool is_ahead) {
  if (is_ahead) {
    run_out.reset();
  } else if (ahead) {
    run_out = now;
  }
  ahead = is_ahead;
  return ahead || (run_out && now - *run_out < kMoment);
}

void RunOutLimits::Hold(TimePoint now, std::vector<LivingProcess>& living) {
  for (auto& [pid, known] : known_) known.present = false;
  for (LivingProcess& process : living) {
    Known& known = known_[process.pid];
    known.present = true;
    process.limit_ahead = known.limit.Holds(now, process.limit_ahead);
    process.sleeps = known.sleep.Holds(now, process.sleeps);
  }
  for (auto each = known_.begin(); each != known_.end();) {
    if (each->second.present) {
      ++each;
    } else if (each->second.sleep.Holds(now, false)) {
      living.push_back({.pid = each->first, .sleeps = true});
      ++each;
    } else {
      each = known_.erase(each);
    }
  }
}

}  // namespace imagebatch::hang
