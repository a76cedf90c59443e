#include "cluster/store/hang_counts.h"

#include <algorithm>

#include "cluster/objects/hang_classes.h"

namespace imagebatch::cluster {
namespace {

/// A build that forges its runner's account must not make a figure of the whole batch useless.
constexpr int64_t kMostPerAttempt = 1000;

}  // namespace

HangsByClass HangsOf(const nlohmann::json& counts) {
  HangsByClass hangs;
  if (!counts.is_object()) return hangs;
  for (const auto& [klass, count] : counts.items()) {
    if (count.is_number_integer()) AddHangs(hangs, klass, count.get<int64_t>());
  }
  return hangs;
}

void AddHangs(HangsByClass& hangs, std::string_view klass, int64_t count) {
  if (count <= 0 || std::find(kHangClasses.begin(), kHangClasses.end(), klass) == kHangClasses.end()) return;
  hangs[std::string(klass)] = std::min(count, kMostPerAttempt);
}

HangCounts::HangCounts() {
  for (const std::string_view klass : kHangClasses) total_.emplace(klass, 0);
}

void HangCounts::Add(const HangsByClass& hangs, int64_t sign) {
  for (const auto& [klass, count] : hangs) total_[klass] += sign * count;
}

void HangCounts::Seen(const std::string& job, const HangVerdict& verdict) {
  Attempt& attempt = live_[job];
  const std::tuple seen(verdict.klass, verdict.since);
  if (attempt.last == seen) return;
  attempt.last = seen;
  if (++attempt.hangs[verdict.klass] <= kMostPerAttempt) Add({{verdict.klass, 1}}, 1);
}

HangsByClass HangCounts::End(const std::string& job, const Outcome& outcome) {
  HangsByClass hangs;
  if (const auto live = live_.find(job); live != live_.end()) {
    hangs = std::move(live->second.hangs);
    for (auto& [klass, count] : hangs) count = std::min(count, kMostPerAttempt);
    live_.erase(live);
  }
  Add(hangs, -1);
  if (!outcome.klass.empty()) hangs.try_emplace(outcome.klass, 1);
  if (outcome.runner.is_object()) {
    for (const auto& [klass, count] : HangsOf(outcome.runner.value("verdictCounts", nlohmann::json())))
      hangs[klass] = std::max(hangs[klass], count);
  }
  Add(hangs, 1);
  return hangs;
}

}  // namespace imagebatch::cluster
