#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/objects/verdict.h"
#include "cluster/objects/views.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// How an attempt ended.
struct Outcome {
  bool succeeded = false;
  plan::Cause cause = plan::Cause::Build;  // of a failed one
  std::string reason;       // one CamelCase word: Error, OOMKilled, Hung, JobDeleted, Evicted, ...
  std::string message;      // for people; printable, at most 512 bytes
  std::string class_name;   // of a Hung one: see kHangClasses
  std::string hang_reason;  // of a Hung one: what within the class
  Time hung_since{};        // of a Hung one
  Alike alike{};            // of a Hung one
  std::string pod, node;
  Time started{}, finished{};  // of the container where known, else of the Job
  std::optional<int> exit_code;
  std::string digest;     // of the image it pushed, where the registry was asked
  std::string log_end;    // of one whose Pod goes: the end of its log, printable lines, at most 1 KiB
  nlohmann::json runner;  // the runner's own account (contract/contract.h); null where there is none
};

/// The outcome of a Job that has ended. `pod` is its Pod with a terminated build container, or nothing where
/// there is no such Pod any more: Pods of a Job stay until the Job goes, so then somebody or something
/// removed it.
///
/// A Pod that was evicted, preempted, disrupted or refused by its node, and one that never ran, failed for
/// its infrastructure. A build that passed its own limit of memory, storage or time failed by itself, and so
/// did one whose init container failed.
Outcome OutcomeOf(const JobView& job, const Rare<PodView>& pod);

/// The outcome of an attempt whose Job has not ended although its build, or the whole Pod, has: that of the
/// build.
Outcome OutcomeOfPod(const JobView& job, const PodView& pod);

/// The containers of `pod` that have not ended, for people; empty where all have.
std::string OutlivedBy(const PodView& pod);

/// Says what stands at the end of its log where an attempt failed by itself, since that may be all there is
/// of a reason. `log`: as KeptLog gives it.
void AddLogEnd(Outcome& outcome, std::string_view log);

/// The outcome of a Job that is gone before it ended.
Outcome OutcomeOfDeleted(const JobView& job, Time now);

/// The hang that an attempt ended in, without its message: as the runner says that ended the build, who knows
/// best, or else as it was `seen` from here.
std::optional<Verdict> HangAtEnd(const Outcome& outcome, const std::optional<Verdict>& seen);

/// True where the build container of `pod` has ended, so that OutcomeOf has all it can have.
bool Ended(const PodView& pod);

}  // namespace imagebatch::cluster
