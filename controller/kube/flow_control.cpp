#include "kube/flow_control.h"

#include <algorithm>

#include "kube/backoff.h"

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;

constexpr BackoffRange kRefused{250ms, 30s};
constexpr BackoffRange kNoAnswer{100ms, 5s};

}  // namespace

FlowControl::FlowControl(int max_in_flight, uint64_t seed)
    : max_in_flight_(std::max(1, max_in_flight)), random_(seed), limit_(max_in_flight_) {}

void FlowControl::OnAnswer(SteadyTime sent) {
  without_answer_ = 0;
  if (sent <= halved_) return;  // says nothing about the new limit
  if (++answers_ < limit_) return;
  answers_ = 0;
  limit_ = std::min(limit_ + 1, max_in_flight_);
}

SteadyTime FlowControl::OnRefusal(SteadyTime sent, SteadyTime now, int refusals,
                                  std::optional<std::chrono::seconds> retry_after) {
  without_answer_ = 0;
  Halve(sent, now);
  // Jitter on top of Retry-After too: all who were refused together are told the same time
  const SteadyTime again = now + FullJitter(kRefused, refusals, random_);
  if (!retry_after) return again;
  const auto pause = std::clamp(*retry_after, 0s, kLongestPause);
  PauseUntil(now + pause);
  return again + pause;
}

void FlowControl::OnNoAnswer(SteadyTime sent, SteadyTime now, bool write) {
  if (write) Halve(sent, now);
  if (++without_answer_ > 1) PauseUntil(now + FullJitter(kNoAnswer, without_answer_ - 1, random_));
}

void FlowControl::Halve(SteadyTime sent, SteadyTime now) {
  // Requests that were on the wire together fail together: that is one reason to slow down, not eight
  if (sent <= halved_) return;
  halved_ = now;
  answers_ = 0;
  limit_ = std::max(1, limit_ / 2);
}

void FlowControl::PauseUntil(SteadyTime time) { paused_until_ = std::max(paused_until_, time); }

}  // namespace imagebatch::kube
