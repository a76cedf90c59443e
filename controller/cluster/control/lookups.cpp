#include "cluster/control/lookups.h"

#include <algorithm>

namespace imagebatch::cluster {
namespace {

using Kind = registry::Answer::Kind;
using std::chrono::seconds;

/// Shorter than Troubles remembers what fails.
constexpr seconds kFirstPause(15), kLongestPause(120);

seconds Pause(const registry::Answer& answer, int refusals) {
  if (answer.kind == Kind::Throttled) return answer.retry_after;
  seconds pause = kFirstPause;
  for (int i = 1; i < refusals && pause < kLongestPause; ++i) pause *= 2;
  return std::min(pause, kLongestPause);
}

}  // namespace

void Lookups::Step(bool may_ask, Now now) {
  may_ask_ = may_ask;
  if (!may_ask) return;
  while (under_way_.size() < kAtOnce && !waiting_.empty() && waiting_.begin()->first <= now.steady) {
    const uint32_t build = waiting_.extract(waiting_.begin()).value().second;
    if (plan_.Unasked(build)) Ask(build);
  }
  if (under_way_.size() >= kAtOnce) return;
  for (const uint32_t build : plan_.TakeUnasked(kAtOnce - under_way_.size())) {
    if (!under_way_.contains(build)) Ask(build);
  }
}

std::optional<SteadyTime> Lookups::Next() const {
  if (!may_ask_ || waiting_.empty() || under_way_.size() >= kAtOnce) return std::nullopt;
  return waiting_.begin()->first;
}

void Lookups::Ask(uint32_t build) {
  under_way_.insert(build);
  channel_.Ask({Purpose::AskRegistry, builds_.image(build)}, builds_.image(build),
               [this, build](const registry::Answer& answer, Now now) { Answered(build, answer, now); });
}

void Lookups::Answered(uint32_t build, const registry::Answer& answer, Now now) {
  under_way_.erase(build);
  if (!plan_.Unasked(build)) return;  // the batch asks no more, or the build is lost
  if (answer.kind == Kind::There || answer.kind == Kind::NotThere) {
    refusals_.erase(build);
    if (answer.kind == Kind::There) found_.push_back({build, answer.digest});
    return plan_.Answer(build, answer.kind == Kind::There);
  }
  waiting_.emplace(now.steady + Pause(answer, ++refusals_[build]), build);
}

}  // namespace imagebatch::cluster
