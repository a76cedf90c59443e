#include "loop/loop.h"

#include <unistd.h>

#include <array>
#include <random>
#include <stdexcept>
#include <utility>

#include "log/log.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr seconds kLongestRound(
    5);                        // a round is made at least this often, so that its absence means something
constexpr seconds kStuck(30);  // no round for so long: the loop is not alive
constexpr seconds kDrain(5);   // how long a stop waits for requests under way

/// 256 bits that nobody can guess.
std::string NewSecret() {
  std::array<char, 32> bytes;
  if (getentropy(bytes.data(), bytes.size()) != 0)
    throw std::runtime_error("cannot get random bytes from the kernel");
  return {bytes.data(), bytes.size()};
}

}  // namespace

metrics::Health HealthOf(Duration age, bool synced, const std::optional<std::string>& blind) {
  const auto whole = std::chrono::duration_cast<seconds>(age).count();
  metrics::Health health;
  health.live = {age < kStuck, "the last round of the loop was " + std::to_string(whole) + " s ago"};
  health.ready = {synced && !blind, !synced ? "ImageBatches, Jobs and Pods are not all listed yet"
                                    : blind ? *blind
                                            : "ImageBatches, Jobs and Pods are listed"};
  return health;
}

Loop::Loop(kube::ApiClient& client, const kube::RequestStats& stats, const std::string& ns,
           RunnerSource runner, registry::Asker::Connect connect)
    : stats_(stats),
      reconciler_(std::move(runner), NewSecret()),
      durations_(metrics::Totals().reconcile_duration),
      last_round_(clock_.Steady()),
      dispatcher_(
          client,
          [this](uint64_t id, Result<kube::Response> response) {
            Push(Replied{id, std::move(response)});
          },
          std::random_device()()),
      asker_(std::move(connect), clock_,
             [this](uint64_t id, registry::Answer answer) {
               Push(Asked{id, std::move(answer)});
             }),
      feeds_(client, ns, clock_, [this](Event event) { Push(std::move(event)); }) {}

void Loop::Push(Event event) {
  const MutexLock lock(mutex_);
  queue_.push_back(std::move(event));
  wake_.NotifyOne();
}

void Loop::Stop() {
  const MutexLock lock(mutex_);
  stopping_ = true;
  wake_.NotifyOne();
}

std::deque<Event> Loop::WaitForEvents() {
  const SteadyTime now = clock_.Steady();
  const SteadyTime due = std::min(reconciler_.Next().value_or(now + kLongestRound), now + kLongestRound);
  const SteadyTime until = guard_.Until(due, now);
  if (until > due && guard_.spins() == 1)
    log::Error("the control loop wakes up again and again without a cause; it is slowed down (logged once)");
  const MutexLock lock(mutex_);
  while (!stopping_ && queue_.empty() && wake_.WaitUntil(mutex_, until)) {
  }
  if (!queue_.empty()) guard_.OnEvent();
  return std::exchange(queue_, {});
}

void Loop::Run() {
  for (bool stopping = false; !stopping;) {
    std::deque<Event> events = WaitForEvents();
    const SteadyTime begin = clock_.Steady();
    // Each goes once it is taken in: what a list brings would else be here twice
    for (; !events.empty(); events.pop_front()) reconciler_.Observe(events.front(), Time());
    for (Command& command : reconciler_.Step(Time()))
      dispatcher_.Submit(command.id, std::move(command.request));
    for (registry::Question& question : reconciler_.TakeQuestions()) asker_.Submit(std::move(question));
    Publish(Time(), clock_.Steady() - begin);
    const MutexLock lock(mutex_);
    stopping = stopping_;
  }
  log::Info("stopping");
  feeds_.Quiet();
  asker_.Stop();
  if (!dispatcher_.Drain(kDrain))
    log::Warn("some requests were still in flight at shutdown; the next start finds out what they did");
}

void Loop::Publish(Now now, std::chrono::duration<double> took) {
  durations_.Observe(took.count());
  auto snapshot = std::make_shared<metrics::Snapshot>();
  reconciler_.Fill(*snapshot);
  snapshot->totals.reconcile_duration = durations_;
  snapshot->loop_spins = guard_.spins();
  last_round_ = now.steady;
  synced_ = reconciler_.Synced();
  if (synced_ && !feeds_.Blind(now.wall)) last_seeing_ = now.wall;
  snapshot->last_reconcile = last_seeing_;
  const MutexLock lock(mutex_);
  snapshot_ = std::move(snapshot);
}

std::shared_ptr<const metrics::Snapshot> Loop::Snapshot() const {
  std::shared_ptr<const metrics::Snapshot> published;
  {
    const MutexLock lock(mutex_);
    published = snapshot_;
  }
  if (!published) return nullptr;
  auto snapshot = std::make_shared<metrics::Snapshot>(*published);
  snapshot->watches = feeds_.Sample();
  for (const auto& [purpose, since] : feeds_.FailingSince())
    snapshot->failing_since[std::string(Name(purpose))] = since;
  for (const auto& [key, count] : stats_.Snapshot()) {
    const auto& [kind, code] = key;
    snapshot->requests.push_back({kind.verb, kind.resource, code, count});
  }
  return snapshot;
}

metrics::Health Loop::Health() const {
  const auto age = std::chrono::duration_cast<Duration>(clock_.Steady() - last_round_.load());
  return HealthOf(age, synced_, feeds_.Blind(clock_.Now()));
}

}  // namespace imagebatch::cluster
