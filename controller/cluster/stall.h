#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/object_events.h"
#include "cluster/views.h"

/// Why an attempt's build does not start, or its Pod does not end, where the fault is not in the build.
namespace imagebatch::cluster {

/// The classes of verdicts that are not about a build that runs.
inline constexpr std::array<std::string_view, 7> kStallClasses = {
    "PodNotCreated",      // the Job has no Pod
    "QuotaExceeded",      // ... since a ResourceQuota does not allow it
    "Unschedulable",      // no node takes the Pod
    "ImagePull",          // an image of it cannot be pulled, or is still being pulled
    "ContainerCreating",  // whatever else keeps its containers from starting
    "Terminating",        // it is being deleted and does not go
    "NodeLost",           // ... since its node does not answer
};

bool IsStall(std::string_view klass);

/// Where the reason of a stall comes from: the status of Job or Pod, or their Events; or nobody gives one.
enum class Source : uint8_t { Status, Events, Nobody };

/// What an attempt waits for. That alone is no fault: it becomes one when it lasts.
struct Stall {
  std::string_view klass;  // one of kStallClasses
  std::string reason;      // as Kubernetes gives it, one word; else the class
  std::string message;     // for people, with the reason that Kubernetes gives; printable, at most 512 bytes
  Time since{};            // when the wait began
  Source source = Source::Status;
};

/// What an attempt whose Job is active waits for, before its build has started or while its Pod is being
/// deleted; nothing while its build or an init container runs, or while a queue holds its Job. `event` is
/// what the Events of the Pod, or where there is none of the Job, tell; it counts only where the objects
/// themselves say nothing.
///
/// Each step of a start is a wait of its own: for the Pod, from the Job's creation or resumption; for a node,
/// from the Pod's creation; for the containers, from then or from the end of the last init container. A Pod
/// that is being deleted is waited for from the end of its grace period.
std::optional<Stall> FindStall(const JobView& job, const std::optional<PodView>& pod,
                               const std::optional<ObjectEvent>& event);

/// True where ending the attempt can help and can hurt nothing: for a reason that Kubernetes gives, its build
/// never ran, and another Pod might fare better. Never for one that no node takes (the next would wait too),
/// nor for one that is being deleted or whose node is lost (it might still run).
bool MayBeEnded(const Stall& stall);

}  // namespace imagebatch::cluster
