#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/objects/object_events.h"
#include "cluster/objects/views.h"
#include "cluster/watch/attempt_state.h"

/// Why an attempt's build does not start, or its Pod does not end, where the fault is not in the build.
namespace imagebatch::cluster {

/// The classes of verdicts that are not about a build that runs.
inline constexpr std::array<std::string_view, 8> kStallClasses = {
    "PodNotCreated",      // the Job has no Pod
    "QuotaExceeded",      // ... since a ResourceQuota will never allow it
    "Unschedulable",      // no node takes the Pod
    "ImagePull",          // an image of it cannot be pulled, or is still being pulled
    "ContainerCreating",  // whatever else keeps its containers from starting
    "Initializing",       // an init container, or the build's startupProbe, does not come to an end
    "Terminating",        // it is being deleted and does not go
    "NodeLost",           // its node does not answer
};

/// Where the reason of a stall comes from: the status of Job or Pod, or their Events; or nobody gives one.
enum class Source : uint8_t { Status, Events, Nobody };

/// What an attempt waits for. That alone is no fault: it becomes one when it lasts.
struct Stall {
  std::string_view class_name;  // one of kStallClasses
  std::string reason;           // as Kubernetes gives it, one word; else the class
  std::string message;  // for people, with the reason that Kubernetes gives; printable, at most 512 bytes
  Source source = Source::Status;
};

/// The words for an attempt that stands in a way of which a verdict is due in time (ProspectOf); nothing for
/// any other. The arguments are those of StateOf, which gave `standing`.
std::optional<Stall> FindStall(Standing standing, const JobView& job, const Rare<PodView>& pod,
                               const Rare<ObjectEvent>& event);

/// True where ending the attempt can help and can hurt nothing: for a reason that Kubernetes gives, its build
/// never ran, and another Pod might fare better. Never for one that no node takes (the next would wait too)
/// or whose image is still on its way (the next would begin anew), nor for one that is being deleted or whose
/// node is lost (it might still run).
bool MayBeEnded(const Stall& stall);

}  // namespace imagebatch::cluster
