#include "plan/pace.h"

#include <algorithm>
#include <cmath>

#include "plan/survival.h"

namespace imagebatch::plan {
namespace {

using std::chrono::milliseconds;

/// The quantile of the normal distribution that leaves one tenth on either side.
constexpr double kSpread = 1.28;
/// How quickly Places() forgets, in seconds.
constexpr double kMemory = 60;

double Seconds(Time::duration length) { return std::chrono::duration<double>(length).count(); }

milliseconds Milliseconds(double seconds) { return milliseconds(std::llround(seconds * 1000)); }

/// The work left, as a sum of random variables.
struct Work {
  double mean = 0, variance = 0;
};

void Add(Work& work, const StageLoad& stage, const Survival& build) {
  const double count = static_cast<double>(stage.unstarted);
  work.mean += count * build.Mean();
  // The builds vary, and all of them share the error of the mean
  work.variance += build.Variance() * (count + count * count / static_cast<double>(stage.durations->Count()));
  for (const double age : stage.running) {
    work.mean += build.Residual(age);
    work.variance += build.Variance();
  }
}

/// The longest way through what is left, which it exceeds with the probability 1 - `q`. The longest of n
/// builds exceeds a value that one of them exceeds with the probability 1 - q^(1/n); of many builds only the
/// last `places` decide when the stage ends.
double LongestChain(const std::vector<StageLoad>& stages, const std::vector<std::optional<Survival>>& builds,
                    double places, double q) {
  std::vector<double> chains(stages.size(), 0);
  double longest = 0;
  for (size_t i = 0; i < stages.size(); ++i) {
    const StageLoad& stage = stages[i];
    if (!builds[i]) continue;
    if (stage.unstarted > 0) {
      for (const size_t need : stage.needs) chains[i] = std::max(chains[i], chains[need]);
      const double last = std::min(static_cast<double>(stage.unstarted), places);
      chains[i] += builds[i]->Quantile(std::pow(q, 1 / last));
    }
    if (!stage.running.empty()) {
      const double part = static_cast<double>(stage.running.size());
      const double longest_one = builds[i]->Quantile(std::pow(q, 1 / part));
      for (const double age : stage.running)
        chains[i] = std::max({chains[i], longest_one - age, builds[i]->Residual(age)});
    }
    longest = std::max(longest, chains[i]);
  }
  return longest;
}

}  // namespace

std::optional<Estimate> EstimateEnd(const std::vector<StageLoad>& stages, double places, Time now) {
  Work work;
  std::vector<std::optional<Survival>> builds(stages.size());  // of stages with something left
  for (size_t i = 0; i < stages.size(); ++i) {
    const StageLoad& stage = stages[i];
    if (stage.unstarted == 0 && stage.running.empty()) continue;
    if (stage.durations->Count() < kEnoughForEstimate) return std::nullopt;
    builds[i].emplace(*stage.durations, stage.running);
    Add(work, stage, *builds[i]);
  }
  if (work.mean <= 0) return std::nullopt;
  places = std::max(places, 1.0);
  const double error = kSpread * std::sqrt(work.variance);
  const double rest = 1 - 1 / places;
  const double chain = LongestChain(stages, builds, places, 0.5);
  const double earliest = std::max((work.mean - error) / places, LongestChain(stages, builds, places, 0.1));
  const double latest = (work.mean + error) / places + rest * LongestChain(stages, builds, places, 0.9);
  // Halfway between Graham's bounds
  const double likely = (std::max(work.mean / places, chain) + work.mean / places + rest * chain) / 2;
  return Estimate{now + Milliseconds(std::min(earliest, likely)), now + Milliseconds(likely),
                  now + Milliseconds(std::max(latest, likely))};
}

Pace::Pace(size_t stages) : stages_(stages) {}

void Pace::Started(uint32_t build, size_t stage, Time at, Time now) {
  Ended(build, now);
  running_[build] = {stage, at};
  stages_[stage].running.emplace(at, build);
}

void Pace::Ended(uint32_t build, Time now) {
  average_ = AverageAt(now);
  averaged_ = now;
  const auto at = running_.find(build);
  if (at == running_.end()) return;
  const auto [stage, since] = at->second;
  stages_[stage].running.erase({since, build});
  running_.erase(at);
}

std::optional<milliseconds> Pace::SlowAfter(size_t stage, double factor) const {
  const Durations& durations = stages_[stage].durations;
  if (factor <= 0 || durations.Count() < kEnoughForSlow) return std::nullopt;
  return Milliseconds(factor * durations.Quantile(0.5));
}

std::vector<uint32_t> Pace::Slow(size_t stage, double factor, Time now) const {
  std::vector<uint32_t> slow;
  const auto after = SlowAfter(stage, factor);
  if (!after) return slow;
  for (const auto& [since, build] : stages_[stage].running) {
    if (since + *after > now) break;
    slow.push_back(build);
  }
  return slow;
}

std::optional<Time> Pace::NextSlow(size_t stage, double factor, Time now) const {
  const auto after = SlowAfter(stage, factor);
  if (!after) return std::nullopt;
  const auto next = stages_[stage].running.upper_bound({now - *after, UINT32_MAX});
  if (next == stages_[stage].running.end()) return std::nullopt;
  return next->first + *after;
}

std::vector<double> Pace::Ages(size_t stage, const std::set<uint32_t>& but, Time now) const {
  std::vector<double> ages;
  for (const auto& [since, build] : stages_[stage].running) {
    if (!but.contains(build)) ages.push_back(std::max(0.0, Seconds(now - since)));
  }
  return ages;
}

std::optional<Time> Pace::since(uint32_t build) const {
  const auto at = running_.find(build);
  return at == running_.end() ? std::nullopt : std::optional(at->second.second);
}

double Pace::Places(Time now) const {
  const Average average = AverageAt(now);
  return average.weight > 0 ? average.sum / average.weight : 0;
}

// An exponentially weighted mean; the weight corrects for the time before the first observation.
Pace::Average Pace::AverageAt(Time now) const {
  if (averaged_ == Time{}) return {};
  const double kept = std::exp(-std::max(0.0, Seconds(now - averaged_)) / kMemory);
  return {average_.sum * kept + static_cast<double>(running_.size()) * (1 - kept),
          average_.weight * kept + (1 - kept)};
}

}  // namespace imagebatch::plan
