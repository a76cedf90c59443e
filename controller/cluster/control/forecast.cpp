#include "cluster/control/forecast.h"

#include <algorithm>
#include <utility>

#include "base/keep_sooner.h"

namespace imagebatch::cluster {
namespace {

using plan::State;
using std::chrono::seconds;

/// An estimate is worth a new one when builds have finished since, but not for each of them; and without any
/// it grows old, for time passes and nothing happens.
constexpr seconds kSoon(10), kOld(60);

std::vector<std::vector<size_t>> Needs(const batch::Batch& batch) {
  std::vector<std::vector<size_t>> needs(batch.stages.size());
  for (size_t stage = 0; stage < batch.stages.size(); ++stage) {
    for (size_t earlier = 0; earlier < stage; ++earlier) {
      const auto& names = batch.stages[stage].needs;
      if (std::find(names.begin(), names.end(), batch.stages[earlier].name) != names.end())
        needs[stage].push_back(earlier);
    }
  }
  return needs;
}

}  // namespace

Forecast::Forecast(const batch::Batch& batch, const plan::Plan& plan)
    : batch_(batch),
      plan_(plan),
      needs_(Needs(batch)),
      pace_(batch.stages.size()),
      slow_(batch.stages.size()) {}

void Forecast::Ran(uint32_t build, int attempt, std::string pod, Time since, Now now) {
  pace_.Started(build, plan_.stage(build), since, now.wall);
  running_[build] = {attempt, std::move(pod)};
}

void Forecast::Ended(uint32_t build, Now now) {
  pace_.Ended(build, now.wall);
  running_.erase(build);
}

void Forecast::Finished(uint32_t build, double seconds) {
  pace_.Finished(plan_.stage(build), seconds);
  finished_since_ = true;
}

void Forecast::Step(const FlaggedList& flagged, Now now) {
  next_.reset();
  FindSlow(flagged, now);
  const auto old = now.wall - estimated_;
  if (old >= kOld || (finished_since_ && old >= kSoon) || flagged.changes_of_builds() != flagged_)
    EstimateEnd(flagged, now);
  if (!end_) return;
  KeepSooner(next_, estimated_ + (finished_since_ ? kSoon : kOld));
}

void Forecast::FindSlow(const FlaggedList& flagged, Now now) {
  for (size_t stage = 0; stage < slow_.size(); ++stage) {
    const double factor = batch::Override(batch_.hang, batch_.stages[stage].hang).slow_factor;
    std::vector<uint32_t> slow = pace_.Slow(stage, factor, now.wall);
    std::erase_if(slow, [&](uint32_t build) { return flagged.builds().contains(build); });
    changed_ = changed_ || slow != slow_[stage];
    slow_[stage] = std::move(slow);
    KeepSooner(next_, pace_.NextSlow(stage, factor, now.wall));
  }
}

void Forecast::EstimateEnd(const FlaggedList& flagged, Now now) {
  estimated_ = now.wall;
  finished_since_ = false;
  flagged_ = flagged.changes_of_builds();
  changed_ = true;
  end_.reset();
  if (batch_.suspend) return;
  std::vector<plan::StageLoad> loads;
  for (size_t stage = 0; stage < slow_.size(); ++stage) {
    const plan::Counts& counts = plan_.counts(stage);
    loads.push_back({&pace_.durations(stage), needs_[stage],
                     counts[State::Waiting] + counts[State::Queued] + counts[State::Pending],
                     pace_.Ages(stage, flagged.builds(), now.wall)});
  }
  // As many at once as there really were: what the cluster has no room for does not run, whatever is allowed
  const double places = std::min<double>(pace_.Places(now.wall), batch_.parallelism);
  end_ = plan::EstimateEnd(loads, places - static_cast<double>(flagged.builds().size()), now.wall);
}

std::vector<std::pair<uint32_t, SlowEntry>> Forecast::SlowBuilds() const {
  std::vector<std::pair<uint32_t, SlowEntry>> entries;
  for (size_t stage = 0; stage < slow_.size(); ++stage) {
    const double median = pace_.durations(stage).Quantile(0.5);
    for (const uint32_t build : slow_[stage]) {
      const Running& running = running_.at(build);
      entries.push_back({build,
                         {batch_.stages[stage].name, "", running.pod, running.attempt, *pace_.since(build),
                          static_cast<int64_t>(median)}});
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.second.since < b.second.since; });
  if (entries.size() > kListed) entries.resize(kListed);
  return entries;
}

}  // namespace imagebatch::cluster
