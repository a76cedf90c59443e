#pragma once
#include <array>
#include <chrono>
#include <optional>

#include "cluster/objects/object_events.h"
#include "cluster/objects/views.h"
#include "plan/plan.h"

/// Where an attempt stands and what becomes of it, from what Kubernetes shows of its Job and its Pod. Total:
/// whatever they show, also what no Kubernetes of today would, is one of these, and each is watched by
/// somebody. Everything else that judges an attempt follows from here.
namespace imagebatch::cluster {

enum class Standing : uint8_t {
  Suspended,     // a queue holds the Job: it has no Pod on purpose
  KeptBack,      // a quota that others use up lets it have no Pod
  Gated,         // a queue keeps the Pod from being scheduled
  WithoutPod,    // the Job has no Pod, yet or any more
  Unscheduled,   // the Pod has no node
  Starting,      // its containers do not run yet
  Initializing,  // an init container runs
  WarmingUp,     // the build runs, and its startupProbe has not passed
  Running,       // the build runs
  NodeSilent,    // the build ran when its node was last heard of
  Leaving,       // the Job or its Pod is being deleted
  BuildEnded,    // the build has ended, and another container of the Pod has not
  PodEnded,      // all of the Pod has ended, and the Job has not
  Ended,         // the Job has ended
};
inline constexpr std::array kStandings = {Standing::Suspended,    Standing::KeptBack,    Standing::Gated,
                                          Standing::WithoutPod,   Standing::Unscheduled, Standing::Starting,
                                          Standing::Initializing, Standing::WarmingUp,   Standing::Running,
                                          Standing::NodeSilent,   Standing::Leaving,     Standing::BuildEnded,
                                          Standing::PodEnded,     Standing::Ended};

/// What becomes of an attempt that goes on standing so.
enum class Prospect : uint8_t {
  Progress,  // its runner or its log tells how it goes (HangWatch)
  Held,      // it is shown, and goes on by itself when others let it
  Verdict,   // once its limit has passed
  End,       // once its limit has passed it is concluded from its Pod; of an ended Job at once
};

/// The limits of a stage; zero: none.
struct Limits {
  std::chrono::seconds pending{0};  // stall.afterSeconds
  std::chrono::seconds init{0};     // stall.initSeconds
};

struct AttemptState {
  Standing standing = Standing::WithoutPod;
  Time since{};                              // when it began to stand so, by the cluster's clocks
  plan::Phase phase = plan::Phase::Pending;  // for the plan
};

/// `pod`: the one that counts (Replaces). `event`: the most telling one of the Pod, or where there is none of
/// the Job; it counts only for a Job without a Pod.
AttemptState StateOf(const JobView& job, const Rare<PodView>& pod, const Rare<ObjectEvent>& event);

Prospect ProspectOf(Standing standing);

/// How long an attempt may stand so; nothing: for ever, since it is held, makes progress or has no limit.
std::optional<std::chrono::seconds> LimitOf(Standing standing, const Limits& limits,
                                            const Rare<PodView>& pod);

/// Of two Pods of one Job the one that counts is the younger, and of one Pod its newer state: a Job that was
/// suspended and resumed has a new Pod while the last one is still going. True where `seen` is it.
bool Replaces(const PodView& seen, const PodView& known);

}  // namespace imagebatch::cluster
