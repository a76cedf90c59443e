#include "cluster/watch/attempt_state.h"

#include <algorithm>
#include <tuple>

#include "cluster/objects/quota.h"

namespace imagebatch::cluster {
namespace {

using plan::Phase;
using std::chrono::seconds;
using State = ContainerView::State;

/// A node that does not answer may be back in a moment; after this somebody should look.
constexpr seconds kNodeSilent(180);
/// For what lives on beside a build that has ended, after it would have had to end if it had been told to.
constexpr seconds kAfterBuild(30);
/// The Job controller may lag far behind while thousands of Pods end at once.
constexpr seconds kJobLags(600);

bool Runs(const PodView& pod) { return pod.build && pod.build->state == State::Running; }
bool HasRun(const PodView& pod) { return pod.build && pod.build->state != State::Waiting; }

/// The last time that stands anywhere in it.
Time LastOf(const PodView& pod) {
  Time last = std::max({pod.step_done, pod.ready_changed, pod.deletion});
  if (pod.build) last = std::max({last, pod.build->started, pod.build->finished});
  return last;
}

AttemptState WithoutPod(const JobView& job, const Rare<PodView>& gone, const Rare<ObjectEvent>& event) {
  Time since = std::max(job.created, job.started);
  if (gone) since = std::max(since, LastOf(*gone));
  if (job.suspended) return {Standing::Suspended, since, Phase::Held};
  if (job.deleting) return {Standing::Leaving, job.deletion, Phase::Pending};
  if (event && event->warning && IsHeldByQuota(event->message))
    return {Standing::KeptBack, since, Phase::Held};
  // It was created, and the watch of Pods has not brought it yet
  if (event && !event->warning) since = std::max(since, event->at);
  return {Standing::WithoutPod, since, Phase::Pending};
}

/// Of a Pod whose build has not begun. An init container that runs is what it waits for, whatever is said of
/// others; a sidecar is none, since it goes on beside the build.
AttemptState BeforeBuild(const JobView& job, const PodView& pod) {
  for (const ContainerView& container : pod.others) {
    if (container.role == ContainerView::Role::Init && container.state == State::Running)
      return {Standing::Initializing, std::max(container.started, pod.step_done), Phase::Pending};
  }
  const Time since = std::max({job.created, job.started, pod.step_done});
  if (!pod.node.empty()) return {Standing::Starting, since, Phase::Pending};
  if (pod.waiting.reason == "SchedulingGated") return {Standing::Gated, since, Phase::Held};
  return {Standing::Unscheduled, since, Phase::Pending};
}

}  // namespace

AttemptState StateOf(const JobView& job, const Rare<PodView>& pod, const Rare<ObjectEvent>& event) {
  const bool has_run = pod && HasRun(*pod);
  const Phase phase = has_run ? Phase::Running : Phase::Pending;
  if (job.phase != JobView::Phase::Active) return {Standing::Ended, job.finished, phase};
  if (!pod || pod->gone) return WithoutPod(job, pod, event);
  if (pod->node_silent && Runs(*pod) && pod->build->ready)
    return {Standing::NodeSilent, pod->ready_changed, Phase::Running};
  if (pod->deleting) return {Standing::Leaving, pod->deletion, job.suspended ? Phase::Held : phase};
  if (pod->over) return {Standing::PodEnded, LastOf(*pod), phase};
  if (!has_run) return BeforeBuild(job, *pod);
  if (!Runs(*pod)) return {Standing::BuildEnded, pod->build->finished, Phase::Running};
  if (!pod->build->up) return {Standing::WarmingUp, pod->build->started, Phase::Running};
  return {Standing::Running, pod->build->started, Phase::Running};
}

Prospect ProspectOf(Standing standing) {
  switch (standing) {
    case Standing::Suspended:
    case Standing::KeptBack:
    case Standing::Gated:
      return Prospect::Held;
    case Standing::WithoutPod:
    case Standing::Unscheduled:
    case Standing::Starting:
    case Standing::Initializing:
    case Standing::WarmingUp:
    case Standing::NodeSilent:
    case Standing::Leaving:
      return Prospect::Verdict;
    case Standing::Running:
      return Prospect::Progress;
    case Standing::BuildEnded:
    case Standing::PodEnded:
    case Standing::Ended:
      return Prospect::End;
  }
  return Prospect::Verdict;
}

std::optional<seconds> LimitOf(Standing standing, const Limits& limits, const Rare<PodView>& pod) {
  const auto unless_off = [](seconds limit) {
    return limit > seconds(0) ? std::optional(limit) : std::nullopt;
  };
  switch (standing) {
    case Standing::Suspended:
    case Standing::KeptBack:
    case Standing::Gated:
    case Standing::Running:
      return std::nullopt;
    case Standing::WithoutPod:
    case Standing::Unscheduled:
    case Standing::Starting:
    case Standing::Leaving:
      return unless_off(limits.pending);
    case Standing::Initializing:
    case Standing::WarmingUp:
      return unless_off(limits.init);
    case Standing::NodeSilent:
      return unless_off(std::min(limits.pending, kNodeSilent));
    case Standing::BuildEnded:
      return kAfterBuild + (pod ? pod->grace : seconds(0));
    case Standing::PodEnded:
      return kJobLags;
    case Standing::Ended:
      return seconds(0);
  }
  return unless_off(limits.pending);
}

bool Replaces(const PodView& seen, const PodView& known) {
  if (seen.uid == known.uid) return seen.version >= known.version;
  // Created within one second: the one that is not on its way out
  const auto rank = [](const PodView& pod) {
    return std::tuple(pod.created, !pod.gone && !pod.deleting && !pod.over, pod.version);
  };
  return rank(seen) > rank(known);
}

}  // namespace imagebatch::cluster
