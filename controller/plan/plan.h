#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/lists.h"
#include "plan/number_set.h"

/// What to run next. Pure: values in, values out, time passed in; links the standard library only.
namespace imagebatch::plan {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

/// The builds, as far as the plan is concerned.
struct Graph {
  std::vector<uint32_t> stages;  // of each build
  Lists needs;                   // of each: builds, each with a smaller index than its own
  std::vector<uint64_t> seeds;   // of each, for LotOf; empty: no back-off is longer than it must be
};

enum class Phase : uint8_t {
  Creating,
  Held,  // a queue or a quota that others use keeps it from going on
  Pending,
  Running,
  Succeeded,
  Failed,
};

/// Why an attempt failed; it says which budget the next one is taken from.
enum class Cause : uint8_t {
  Build,           // the command ended by itself with an error: Policy::backoff_limit
  Hang,            // ended because it hung: backoff_limit too, or none at all
  Infrastructure,  // lost its node, was evicted, was deleted by hand: Policy::infrastructure_retry_limit
};

/// One Job of a build, as it is seen in the cluster or in the stored results.
struct Attempt {
  int number = 1;  // from 1
  Phase phase = Phase::Pending;
  Cause cause = Cause::Build;  // of a Failed one
  Time finished{};             // of a Failed one; the next attempt waits from here
  int round = 0;               // of reruns, in which it was begun
};

enum class FailReason : uint8_t {
  None,
  Build,
  Hang,
  Infrastructure,
  NeedFailed,
  Expired,        // Policy::over: spec.activeDeadlineSeconds has passed
  Cancelled,      // Policy::over: spec.shutdown
  TooManyFailed,  // Policy::over: more than spec.maxFailedBuilds
};

struct Policy {
  int parallelism = 50;
  std::vector<int> stage_parallelism;  // by stage, beside that of all; 0: none of its own
  int first_builds =
      0;  // until so many have succeeded, no more than so many are begun, but for those that failed
  bool suspend = false;  // nothing new starts
  FailReason over =
      FailReason::None;  // nothing new starts, and what is not done and does not run fails for it
  bool ask = false;      // a build of which there is no attempt starts only after Answer
  int backoff_limit = 2;
  int infrastructure_retry_limit = 5;
  std::vector<bool> retry_hung;  // by stage: a build that was ended because it hung is tried again

  bool operator==(const Policy&) const = default;
};

/// Each build is in exactly one.
enum class State : uint8_t { Waiting, Queued, Held, Pending, Running, Succeeded, Skipped, Failed };
inline constexpr size_t kStates = 8;

struct Counts {
  std::array<int64_t, kStates> by_state{};
  int64_t retried = 0;  // builds with more than one attempt

  int64_t operator[](State state) const { return by_state[static_cast<size_t>(state)]; }
  int64_t Total() const;
};

struct Start {
  uint32_t build = 0;
  int attempt = 1;
  int round = 0;  // of reruns
};

/// Retry k (1, 2, ...) waits 10 s doubled k-1 times, at most 6 min, from the end of the attempt before it:
/// the back-off of batch/v1 Jobs (kubernetes.io "Pod backoff failure policy"). `lot`, from 0 to 1, makes it
/// up to half as long again (as wait.Jitter of k8s.io/apimachinery), so that those that failed together do
/// not come back together.
std::chrono::milliseconds RetryDelay(int retry, double lot);

/// The lot of the retry after attempt number `attempt`, from 0 to 1: the same whenever and by whomever it is
/// drawn, so that a new process waits as long as the one before it.
double LotOf(uint64_t seed, int attempt);

/// The state of all builds of one batch, kept as observations arrive. One observation costs
/// O(log builds), plus the builds whose state it changes; nothing is ever recomputed from the whole.
class Plan {
 public:
  Plan(Graph graph, size_t stages, Policy policy);

  /// A changed policy applies to every build at once: a raised limit lets failed builds run again.
  void SetPolicy(const Policy& policy);

  /// Where the build has not succeeded, it may run as often as at first: what it has failed in attempts of
  /// earlier rounds does not count any more. The round of a build is the highest of those that are given here
  /// and those of its attempts.
  void RunAgain(uint32_t build, int round);

  /// An attempt that Decide has started was not begun, and will not be: as if it had not been started.
  void Retract(uint32_t build, int attempt);

  /// What is seen of one attempt. May be repeated and may come in any order: one that ran may be held again.
  /// What an attempt ended with stands, later news of it are ignored. A success is final for its build.
  void Observe(uint32_t build, const Attempt& attempt);

  /// Something of an attempt that has ended may still run: until Release is called as often, the build is not
  /// started and takes a place of Policy::parallelism, whatever its state.
  void Occupy(uint32_t build);
  void Release(uint32_t build);

  /// Builds that could start but for Policy::ask, at most so many, each once for every time that it comes to
  /// this; lowest first.
  std::vector<uint32_t> TakeUnasked(size_t at_most);
  /// It could start but for Policy::ask.
  bool Unasked(uint32_t build) const { return builds_[build].unasked; }
  /// Whether its image exists already: it is then Skipped, for good. Changes nothing once there is an
  /// attempt.
  void Answer(uint32_t build, bool exists);

  /// What to start now, lowest build first; each is taken for Creating from here on.
  std::vector<Start> Decide(Time now);

  /// When Decide has something to do that it has not now, for time alone.
  std::optional<Time> NextRetry() const;

  /// Builds that failed for good, by what happened in their own attempts.
  int64_t failed() const { return failed_; }
  FailReason over() const { return policy_.over; }

  /// Nothing is left to do: every build has succeeded or failed for good.
  bool Finished() const;

  State state(uint32_t build) const { return builds_[build].state; }
  FailReason fail_reason(uint32_t build) const { return builds_[build].reason; }
  const std::vector<Attempt>& attempts(uint32_t build) const { return builds_[build].attempts; }
  /// The round in which an attempt was begun; 0 where there is no such attempt.
  int round(uint32_t build, int attempt) const;
  const Counts& counts(size_t stage) const { return counts_[stage]; }
  Counts Total() const;
  size_t size() const { return builds_.size(); }
  auto needs(uint32_t build) const { return graph_.needs[build]; }
  size_t stage(uint32_t build) const { return graph_.stages[build]; }

 private:
  struct Derived {
    State state = State::Waiting;
    FailReason reason = FailReason::None;
    Time due{};          // of a Queued one
    bool begun = false;  // it has an attempt of its round
    bool unasked = false;

    bool operator==(const Derived&) const = default;
  };
  struct Build : Derived {
    std::vector<Attempt> attempts;  // by number; few
    int round = 0;
    int occupied = 0;
    std::optional<bool> exists;  // as Answer said
  };

  /// Queued builds of one stage that are due.
  struct Ready {
    NumberSet begun, others;  // by whether they have an attempt of their round
  };

  Derived Derive(uint32_t build) const;
  Derived DeriveIdle(uint32_t build, int by_itself, int infrastructure, bool hung, Time last_end) const;
  Ready& ReadyOf(uint32_t build) { return ready_[graph_.stages[build]]; }
  std::optional<uint32_t> Pick() const;
  bool MayStart() const;
  void Update(uint32_t build);
  void Enter(uint32_t build, int by);
  void AddOccupied(uint32_t build, int by);

  Graph graph_;
  Lists dependents_;  // of each build
  std::vector<Build> builds_;
  std::vector<Counts> counts_;                   // by stage
  std::set<std::pair<Time, uint32_t>> delayed_;  // queued ones by the time they are due, if they have one
  NumberSet unasked_;                            // queued ones that TakeUnasked has not given
  std::vector<Ready> ready_;        // by stage: the other queued ones, and those due at the last Decide
  int64_t live_ = 0;                // builds that are Held, Pending or Running, or occupied
  std::vector<int64_t> live_of_;    // ... by stage
  int64_t begun_ = 0, failed_ = 0;  // builds that are begun and have not failed; see failed()
  Policy policy_;
};

}  // namespace imagebatch::plan
