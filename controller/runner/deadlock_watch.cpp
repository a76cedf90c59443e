#include "runner/deadlock_watch.h"

#include <algorithm>

#include "runner/counters.h"

namespace imagebatch::runner {
namespace {

using std::chrono::steady_clock;

constexpr int kReadingShare = 200;  // one part in so many of a core

}  // namespace

steady_clock::duration DeadlockWatch::Look(hang::TimePoint now, const hang::Progress& progress,
                                           const std::vector<ProcessStat>& tree) {
  if (deadlock_after_ <= hang::Duration::zero()) return {};
  const hang::Duration period = hang::ReadingPeriod(deadlock_after_);
  if (now - progress.Last() < period) {
    tracker_.Clear();
    confirmed_.clear();
    return {};
  }
  if (now < next_reading_) return {};
  const auto before = OwnCpu();
  tracker_.Add(now, reader_.Read(TreeAndRunner(tree)));
  const auto cost = OwnCpu() - before;
  next_reading_ = now + std::max<steady_clock::duration>(period, cost * kReadingShare);
  Confirm(now, tree);
  return OwnCpu() - before;
}

/// Before a dead part is believed for the first time, strangers are looked at too. Whoever waits for one of
/// them then begins to stand anew, so this is as rare as verdicts are.
void DeadlockWatch::Confirm(hang::TimePoint now, const std::vector<ProcessStat>& tree) {
  const auto stood = DeadPart();
  const bool known = std::all_of(stood.begin(), stood.end(), [this](const hang::WaitingProcess& process) {
    return confirmed_.contains(process.pid);
  });
  if (known) return;
  tracker_.Add(now, reader_.Read(Everybody(tree)));
  confirmed_.clear();
  for (const hang::WaitingProcess& process : DeadPart()) confirmed_.insert(process.pid);
}

}  // namespace imagebatch::runner
