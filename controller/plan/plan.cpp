#include "plan/plan.h"

#include <algorithm>
#include <utility>

namespace imagebatch::plan {
namespace {

bool Live(Phase phase) { return phase < Phase::Succeeded; }
bool Live(State state) { return state == State::Held || state == State::Pending || state == State::Running; }

/// Of a build with an attempt that has not ended.
State StateIn(Phase phase) {
  switch (phase) {
    case Phase::Held:
      return State::Held;
    case Phase::Running:
      return State::Running;
    case Phase::Creating:
    case Phase::Pending:
      return State::Pending;
    case Phase::Succeeded:
      return State::Succeeded;
    case Phase::Failed:
      return State::Failed;
  }
  return State::Pending;
}

}  // namespace

std::chrono::milliseconds RetryDelay(int retry) {
  constexpr std::chrono::seconds kFirst{10}, kMost{360};
  std::chrono::seconds delay = kFirst;
  for (int i = 1; i < retry && delay < kMost; ++i) delay *= 2;
  return std::min(delay, kMost);
}

int64_t Counts::Total() const {
  int64_t total = 0;
  for (const int64_t count : by_state) total += count;
  return total;
}

Plan::Plan(Graph graph, size_t stages, Policy policy)
    : graph_(std::move(graph)),
      dependents_(graph_.needs.Inverse()),
      builds_(graph_.stages.size()),
      counts_(stages),
      unasked_(builds_.size()),
      ready_(builds_.size()),
      policy_(std::move(policy)) {
  for (uint32_t i = 0; i < builds_.size(); ++i) {
    static_cast<Derived&>(builds_[i]) = Derive(i);
    Enter(i, 1);
  }
}

// What a build is, from its own attempts, its needs and the policy alone.
Plan::Derived Plan::Derive(uint32_t build) const {
  const auto& attempts = builds_[build].attempts;
  const std::optional<bool> exists = builds_[build].exists;
  if (attempts.empty() && exists.value_or(false)) return {State::Skipped, FailReason::None, {}};
  int by_itself = 0, infrastructure = 0, newest = 0;
  bool hung = false;
  Time last_end{};
  std::optional<Phase> live;
  for (const Attempt& attempt : attempts) {
    newest = std::max(newest, attempt.number);
    if (attempt.phase == Phase::Succeeded) return {State::Succeeded};
    if (Live(attempt.phase)) {
      live = std::max(live.value_or(attempt.phase), attempt.phase);
      continue;
    }
    last_end = std::max(last_end, attempt.finished);
    if (attempt.cause == Cause::Infrastructure) {
      ++infrastructure;
    } else {
      ++by_itself;
      hung = hung || attempt.cause == Cause::Hang;
    }
  }
  if (live) return {StateIn(*live), FailReason::None, {}};
  // A number below the newest of which nothing is known: its Job was deleted before its result was stored
  infrastructure += newest - static_cast<int>(attempts.size());

  const size_t stage = graph_.stages[build];
  const bool retry_hung = stage < policy_.retry_hung.size() && policy_.retry_hung[stage];
  if (hung && !retry_hung) return {State::Failed, FailReason::Hang, {}};
  if (by_itself > policy_.backoff_limit) {
    return {State::Failed, hung ? FailReason::Hang : FailReason::Build, {}};
  }
  if (infrastructure > policy_.infrastructure_retry_limit)
    return {State::Failed, FailReason::Infrastructure, {}};
  if (policy_.expired) return {State::Failed, FailReason::Expired, {}};

  bool waits = false;
  for (const uint32_t need : graph_.needs[build]) {
    if (builds_[need].state == State::Failed) return {State::Failed, FailReason::NeedFailed, {}};
    waits = waits || (builds_[need].state != State::Succeeded && builds_[need].state != State::Skipped);
  }
  if (waits) return {State::Waiting, FailReason::None, {}};
  const int failures = by_itself + infrastructure;
  return {State::Queued, FailReason::None, failures == 0 ? Time{} : last_end + RetryDelay(failures),
          policy_.ask && attempts.empty() && !exists};
}

// Adds a build to the counts and queues, or takes it out of them.
void Plan::Enter(uint32_t build, int by) {
  const Build& b = builds_[build];
  Counts& counts = counts_[graph_.stages[build]];
  counts.by_state[static_cast<size_t>(b.state)] += by;
  if (b.attempts.size() > 1 || (!b.attempts.empty() && b.attempts.back().number > 1)) counts.retried += by;
  if (Live(b.state) || b.occupied > 0) live_ += by;
  if (b.state != State::Queued || b.occupied > 0) return;
  if (by < 0) {
    delayed_.erase({b.due, build});
    ready_.Erase(build);
    unasked_.Erase(build);
  } else if (b.unasked) {
    unasked_.Insert(build);
  } else if (b.due == Time{}) {
    ready_.Insert(build);
  } else {
    delayed_.emplace(b.due, build);
  }
}

// Derives a build again, and every build that this reaches; the order of the work list does not matter,
// because a build is put on it again whenever one of its needs changed.
void Plan::Update(uint32_t first) {
  std::vector<uint32_t> work{first};
  while (!work.empty()) {
    const uint32_t build = work.back();
    work.pop_back();
    const Derived now = Derive(build);
    Build& b = builds_[build];
    const bool changed = now.state != b.state;
    if (now == static_cast<const Derived&>(b)) continue;
    Enter(build, -1);
    static_cast<Derived&>(b) = now;
    Enter(build, 1);
    if (!changed) continue;
    const auto dependents = dependents_[build];
    work.insert(work.end(), dependents.begin(), dependents.end());
  }
}

void Plan::SetPolicy(const Policy& policy) {
  if (policy == policy_) return;
  policy_ = policy;
  for (uint32_t i = 0; i < builds_.size(); ++i) Update(i);
}

void Plan::Observe(uint32_t build, const Attempt& attempt) {
  auto& attempts = builds_[build].attempts;
  const auto at = std::lower_bound(attempts.begin(), attempts.end(), attempt.number,
                                   [](const Attempt& a, int number) { return a.number < number; });
  const bool known = at != attempts.end() && at->number == attempt.number;
  if (known && (!Live(at->phase) || at->phase == attempt.phase)) return;
  Enter(build, -1);
  if (known) {
    *at = attempt;
  } else {
    attempts.insert(at, attempt);
  }
  Enter(build, 1);
  Update(build);
}

void Plan::AddOccupied(uint32_t build, int by) {
  Enter(build, -1);
  builds_[build].occupied += by;
  Enter(build, 1);
}

void Plan::Occupy(uint32_t build) { AddOccupied(build, 1); }
void Plan::Release(uint32_t build) { AddOccupied(build, -1); }

std::vector<uint32_t> Plan::TakeUnasked(size_t at_most) {
  std::vector<uint32_t> taken;
  if (policy_.suspend || policy_.expired) return taken;
  while (taken.size() < at_most && !unasked_.Empty()) {
    taken.push_back(unasked_.First());
    unasked_.Erase(taken.back());
  }
  return taken;
}

void Plan::Answer(uint32_t build, bool exists) {
  if (!builds_[build].attempts.empty()) return;
  builds_[build].exists = exists;
  Update(build);
}

std::vector<Start> Plan::Decide(Time now) {
  std::vector<Start> starts;
  if (policy_.suspend || policy_.expired) return starts;
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    ready_.Insert(delayed_.begin()->second);
    delayed_.erase(delayed_.begin());
  }
  while (live_ < policy_.parallelism && !ready_.Empty()) {
    const uint32_t build = ready_.First();
    const auto& attempts = builds_[build].attempts;
    const int number = attempts.empty() ? 1 : attempts.back().number + 1;
    starts.push_back({build, number});
    Observe(build, {number, Phase::Creating, Cause::Build, {}});
  }
  return starts;
}

std::optional<Time> Plan::NextRetry() const {
  if (policy_.suspend || policy_.expired || live_ >= policy_.parallelism) return std::nullopt;
  if (!ready_.Empty()) return Time{};
  if (delayed_.empty()) return std::nullopt;
  return delayed_.begin()->first;
}

bool Plan::Finished() const {
  const Counts total = Total();
  return total[State::Succeeded] + total[State::Skipped] + total[State::Failed] ==
         static_cast<int64_t>(builds_.size());
}

Counts Plan::Total() const {
  Counts total;
  for (const Counts& counts : counts_) {
    for (size_t i = 0; i < kStates; ++i) total.by_state[i] += counts.by_state[i];
    total.retried += counts.retried;
  }
  return total;
}

}  // namespace imagebatch::plan
