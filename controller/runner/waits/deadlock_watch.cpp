#include "runner/waits/deadlock_watch.h"

#include <algorithm>

#include "runner/proc/counters.h"

namespace imagebatch::runner {

using std::chrono::steady_clock;

steady_clock::duration DeadlockWatch::Look(hang::TimePoint now, const hang::Progress& progress,
                                           const std::vector<ProcessStat>& tree, pid_t command) {
  if (deadlock_after_ <= hang::Duration::zero()) return {};
  const hang::Duration period = hang::ReadingPeriod(deadlock_after_);
  if (now - progress.Last() < period) {
    Clear();
    return {};
  }
  if (now < next_reading_) return {};
  const auto before = OwnCpu();
  const Scope scope = TreeAndRunner(tree);
  const std::vector<hang::WaitingProcess> dead = reader_.Read(scope);
  tracker_.Add(now, dead);
  std::vector<hang::LivingProcess> living;
  if (dead.empty()) {
    living_reader_.Clear();
    limits_.Clear();
  } else {
    living = living_reader_.Read(now, scope, dead);
    limits_.Hold(now, living);
  }
  const auto cost = OwnCpu() - before;
  next_reading_ = hang::NextReading(now, deadlock_after_, cost, progress.Last() + deadlock_after_);
  Confirm(now, tree);
  part_ = hang::Divide(command, Stood(), living);
  return OwnCpu() - before;
}

void DeadlockWatch::Clear() {
  tracker_.Clear();
  living_reader_.Clear();
  limits_.Clear();
  confirmed_.clear();
  part_ = {};
}

/// Before a dead part is believed for the first time, strangers are looked at too. Whoever waits for one of
/// them then begins to stand anew, so this is as rare as verdicts are.
void DeadlockWatch::Confirm(hang::TimePoint now, const std::vector<ProcessStat>& tree) {
  const auto stood = Stood();
  const bool known = std::all_of(stood.begin(), stood.end(), [this](const hang::WaitingProcess& process) {
    return confirmed_.contains(process.pid);
  });
  if (known) return;
  tracker_.Add(now, reader_.Read(Everybody(tree)));
  confirmed_.clear();
  for (const hang::WaitingProcess& process : Stood()) confirmed_.insert(process.pid);
}

}  // namespace imagebatch::runner
