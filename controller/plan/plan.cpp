#include "plan/plan.h"

#include <algorithm>
#include <cmath>
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

std::chrono::milliseconds RetryDelay(int retry, double lot) {
  constexpr std::chrono::seconds kFirst{10}, kMost{360};
  std::chrono::seconds delay = kFirst;
  for (int i = 1; i < retry && delay < kMost; ++i) delay *= 2;
  const std::chrono::milliseconds least = std::min(delay, kMost);
  return least + std::chrono::milliseconds(std::llround(static_cast<double>(least.count()) * lot / 2));
}

// The output function of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
// 2014)
double LotOf(uint64_t seed, int attempt) {
  uint64_t mixed = seed + static_cast<uint64_t>(attempt) * 0x9E3779B97F4A7C15;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
  constexpr int kMantissa = 53;
  return static_cast<double>((mixed ^ mixed >> 31) >> (64 - kMantissa)) /
         static_cast<double>(uint64_t{1} << kMantissa);
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
      ready_(stages, {NumberSet(builds_.size()), NumberSet(builds_.size())}),
      live_of_(stages),
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
  const int round = builds_[build].round;
  int by_itself = 0, infrastructure = 0, counted = 0, before = 0;
  bool hung = false, counts = false;
  Time last_end{};
  std::optional<Phase> live;
  for (const Attempt& attempt : attempts) {
    // An attempt may not say of which round it is (only its Pod was left): those before it do
    if (!counts && attempt.round >= round) {
      counts = true;
      before = round == 0 ? 0 : attempt.number - 1;
    }
    counted += counts ? 1 : 0;
    if (attempt.phase == Phase::Succeeded) return {State::Succeeded, FailReason::None, {}, true};
    if (Live(attempt.phase)) {
      live = std::max(live.value_or(attempt.phase), attempt.phase);
      continue;
    }
    if (!counts) continue;
    last_end = std::max(last_end, attempt.finished);
    if (attempt.cause == Cause::Infrastructure) {
      ++infrastructure;
    } else {
      ++by_itself;
      hung = hung || attempt.cause == Cause::Hang;
    }
  }
  if (live) return {StateIn(*live), FailReason::None, {}, counts};
  // A number below the newest of which nothing is known: its Job was deleted before its result was stored
  if (counts) infrastructure += attempts.back().number - before - counted;
  Derived idle = DeriveIdle(build, by_itself, infrastructure, hung, last_end);
  idle.begun = counts;
  return idle;
}

// Of a build that has not succeeded and of which no attempt lives: from what it has failed in its round.
Plan::Derived Plan::DeriveIdle(uint32_t build, int by_itself, int infrastructure, bool hung,
                               Time last_end) const {
  const size_t stage = graph_.stages[build];
  const bool retry_hung = stage < policy_.retry_hung.size() && policy_.retry_hung[stage];
  if (hung && !retry_hung) return {State::Failed, FailReason::Hang, {}};
  if (by_itself > policy_.backoff_limit) {
    return {State::Failed, hung ? FailReason::Hang : FailReason::Build, {}};
  }
  if (infrastructure > policy_.infrastructure_retry_limit)
    return {State::Failed, FailReason::Infrastructure, {}};
  if (policy_.over != FailReason::None) return {State::Failed, policy_.over, {}};

  bool waits = false;
  for (const uint32_t need : graph_.needs[build]) {
    if (builds_[need].state == State::Failed) return {State::Failed, FailReason::NeedFailed, {}};
    waits = waits || (builds_[need].state != State::Succeeded && builds_[need].state != State::Skipped);
  }
  if (waits) return {State::Waiting, FailReason::None, {}};
  const int failures = by_itself + infrastructure;
  const Build& b = builds_[build];
  Time due{};
  if (failures > 0) {
    const double lot = graph_.seeds.empty() ? 0 : LotOf(graph_.seeds[build], b.attempts.back().number);
    due = last_end + RetryDelay(failures, lot);
  }
  return {State::Queued, FailReason::None, due, false, policy_.ask && b.attempts.empty() && !b.exists};
}

// Adds a build to the counts and queues, or takes it out of them.
void Plan::Enter(uint32_t build, int by) {
  const Build& b = builds_[build];
  const size_t stage = graph_.stages[build];
  Counts& counts = counts_[stage];
  counts.by_state[static_cast<size_t>(b.state)] += by;
  if (b.attempts.size() > 1 || (!b.attempts.empty() && b.attempts.back().number > 1)) counts.retried += by;
  if (Live(b.state) || b.occupied > 0) {
    live_ += by;
    live_of_[stage] += by;
  }
  if (b.begun && b.state != State::Failed) begun_ += by;
  if (b.reason == FailReason::Build || b.reason == FailReason::Hang || b.reason == FailReason::Infrastructure)
    failed_ += by;
  if (b.state != State::Queued || b.occupied > 0) return;
  NumberSet& ready = b.begun ? ready_[stage].begun : ready_[stage].others;
  if (by < 0) {
    delayed_.erase({b.due, build});
    ready.Erase(build);
    unasked_.Erase(build);
  } else if (b.unasked) {
    unasked_.Insert(build);
  } else if (b.due == Time{}) {
    ready.Insert(build);
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
    const int round = std::max(at->round, attempt.round);
    *at = attempt;
    at->round = round;
  } else {
    attempts.insert(at, attempt);
  }
  Enter(build, 1);
  builds_[build].round = std::max(builds_[build].round, attempt.round);
  Update(build);
}

void Plan::RunAgain(uint32_t build, int round) {
  if (round <= builds_[build].round) return;
  builds_[build].round = round;
  Update(build);
}

void Plan::Retract(uint32_t build, int attempt) {
  Enter(build, -1);
  std::erase_if(builds_[build].attempts, [&](const Attempt& known) {
    return known.number == attempt && (known.phase == Phase::Creating || known.phase == Phase::Held);
  });
  Enter(build, 1);
  Update(build);
}

int Plan::round(uint32_t build, int attempt) const {
  for (const Attempt& known : builds_[build].attempts) {
    if (known.number == attempt) return known.round;
  }
  return 0;
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
  if (policy_.suspend || policy_.over != FailReason::None) return taken;
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

bool Plan::MayStart() const {
  return !policy_.suspend && policy_.over == FailReason::None && live_ < policy_.parallelism;
}

// The first of those that may start.
std::optional<uint32_t> Plan::Pick() const {
  const bool all = begun_ < policy_.first_builds || Total()[State::Succeeded] >= policy_.first_builds;
  std::optional<uint32_t> first;
  for (size_t stage = 0; stage < ready_.size(); ++stage) {
    const int limit = stage < policy_.stage_parallelism.size() ? policy_.stage_parallelism[stage] : 0;
    if (limit > 0 && live_of_[stage] >= limit) continue;
    for (const NumberSet* ready : {&ready_[stage].begun, &ready_[stage].others}) {
      if (ready->Empty() || (!all && ready == &ready_[stage].others)) continue;
      first = std::min(first.value_or(ready->First()), ready->First());
    }
  }
  return first;
}

std::vector<Start> Plan::Decide(Time now) {
  std::vector<Start> starts;
  if (!MayStart()) return starts;
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    const uint32_t build = delayed_.begin()->second;
    (builds_[build].begun ? ReadyOf(build).begun : ReadyOf(build).others).Insert(build);
    delayed_.erase(delayed_.begin());
  }
  for (auto picked = Pick(); picked && MayStart(); picked = Pick()) {
    const uint32_t build = *picked;
    const auto& attempts = builds_[build].attempts;
    const int number = attempts.empty() ? 1 : attempts.back().number + 1;
    const int round = builds_[build].round;
    starts.push_back({build, number, round});
    Observe(build, {number, Phase::Creating, Cause::Build, {}, round});
  }
  return starts;
}

std::optional<Time> Plan::NextRetry() const {
  if (!MayStart()) return std::nullopt;
  if (Pick()) return Time{};
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
