#include "hang/dead_part.h"

#include <algorithm>
#include <utility>

namespace imagebatch::hang {
namespace {

constexpr int kReadingShare = 200;  // one part in so many of a core

}  // namespace

TimePoint NextReading(TimePoint now, Duration deadlock_after, std::chrono::steady_clock::duration cost,
                      TimePoint limit) {
  const TimePoint next = now + std::max<std::chrono::steady_clock::duration>(ReadingPeriod(deadlock_after),
                                                                             cost * kReadingShare);
  return now < limit ? std::min(next, limit) : next;
}

void DeadPartTracker::Add(TimePoint at, std::vector<WaitingProcess> processes) {
  dead_ = DeadPart(std::move(processes));
  std::map<int, Standing> standing;
  for (const WaitingProcess& process : dead_) {
    const auto before = standing_.find(process.pid);
    const bool same = before != standing_.end() && before->second.picture == process.picture;
    standing[process.pid] = {process.picture, same ? before->second.since : at};
  }
  standing_ = std::move(standing);
  last_reading_ = at;
}

void DeadPartTracker::Clear() {
  dead_.clear();
  standing_.clear();
}

std::vector<WaitingProcess> DeadPartTracker::StoodFor(Duration length) const {
  std::vector<WaitingProcess> stood;
  std::copy_if(dead_.begin(), dead_.end(), std::back_inserter(stood), [&](const WaitingProcess& process) {
    return last_reading_ - standing_.at(process.pid).since >= length;
  });
  return DeadPart(std::move(stood));
}

}  // namespace imagebatch::hang
