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
  for (const auto& [class_name, count] : counts.items()) {
    if (count.is_number_integer()) AddHangs(hangs, class_name, count.get<int64_t>());
  }
  return hangs;
}

void AddHangs(HangsByClass& hangs, std::string_view class_name, int64_t count) {
  if (count <= 0 || std::find(kHangClasses.begin(), kHangClasses.end(), class_name) == kHangClasses.end())
    return;
  hangs[std::string(class_name)] = std::min(count, kMostPerAttempt);
}

HangCounts::HangCounts() {
  for (const std::string_view class_name : kHangClasses) total_.emplace(class_name, 0);
}

void HangCounts::Add(const HangsByClass& hangs, int64_t sign) {
  for (const auto& [class_name, count] : hangs) total_[class_name] += sign * count;
}

void HangCounts::Seen(const std::string& job, const Verdict& verdict) {
  Attempt& attempt = live_[job];
  const std::tuple seen(verdict.class_name, verdict.since);
  if (attempt.last == seen) return;
  attempt.last = seen;
  if (++attempt.hangs[verdict.class_name] <= kMostPerAttempt) Add({{verdict.class_name, 1}}, 1);
}

HangsByClass HangCounts::End(const std::string& job, const Outcome& outcome) {
  HangsByClass hangs;
  if (const auto live = live_.find(job); live != live_.end()) {
    hangs = std::move(live->second.hangs);
    for (auto& [class_name, count] : hangs) count = std::min(count, kMostPerAttempt);
    live_.erase(live);
  }
  Add(hangs, -1);
  if (!outcome.class_name.empty()) hangs.try_emplace(outcome.class_name, 1);
  if (outcome.runner.is_object()) {
    for (const auto& [class_name, count] :
         HangsOf(outcome.runner.value(contract::key::kVerdictCounts, nlohmann::json())))
      hangs[class_name] = std::max(hangs[class_name], count);
  }
  Add(hangs, 1);
  return hangs;
}

}  // namespace imagebatch::cluster
