#include "cluster/stall.h"

#include <algorithm>

#include "base/text.h"

namespace imagebatch::cluster {
namespace {

constexpr size_t kMessageLimit = 512;

bool Has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// The kubelet's (pkg/kubelet/images/types.go) and those that a container runtime may add
// (pkg/kubelet/images/image_manager.go).
bool IsAboutAnImage(std::string_view reason) {
  constexpr std::array<std::string_view, 7> kReasons = {
      "ErrImagePull",      "ImagePullBackOff",    "InvalidImageName",         "ErrImageNeverPull",
      "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"};
  return std::find(kReasons.begin(), kReasons.end(), reason) != kReasons.end();
}

/// A stall in the words "subject: reason: message", as many of them as there are.
Stall Make(std::string_view klass, std::string subject, std::string_view reason, std::string_view message,
           Time since, Source source = Source::Status) {
  if (!reason.empty()) subject.append(": ").append(reason);
  if (!message.empty()) subject.append(": ").append(message);
  return {klass, Printable(reason.empty() ? klass : reason, 64), Printable(subject, kMessageLimit), since,
          source};
}

std::optional<Stall> WithoutPod(const std::optional<ObjectEvent>& event, Time since) {
  constexpr const char* kNoPod = "its Job has no Pod";
  if (!event) return Make("PodNotCreated", kNoPod, "", "", since, Source::Nobody);
  if (!event->warning) return std::nullopt;  // it was created: the watch of Pods lags behind
  const bool quota = Has(event->message, "exceeded quota");
  return Make(quota ? "QuotaExceeded" : "PodNotCreated", kNoPod, event->reason, event->message, since,
              Source::Events);
}

Stall Starting(const PodView& pod, const std::optional<ObjectEvent>& event, Time since) {
  const WaitingFor& waiting = pod.waiting;
  if (pod.node.empty())
    return Make("Unschedulable", "its Pod has no node", waiting.reason, waiting.message, since);
  if (!waiting.reason.empty()) {
    return Make(IsAboutAnImage(waiting.reason) ? "ImagePull" : "ContainerCreating",
                "its container " + waiting.container + " does not start", waiting.reason, waiting.message,
                since);
  }
  const std::string subject = "its containers do not start";
  if (!event || (!event->warning && event->reason != "Pulling"))
    return Make("ContainerCreating", subject, "", "Kubernetes gives no reason", since, Source::Nobody);
  // Its containers may run although nobody can say so any more
  const bool lost = event->reason == "NodeNotReady";
  const bool image = event->reason == "Pulling";
  return Make(lost    ? "NodeLost"
              : image ? "ImagePull"
                      : "ContainerCreating",
              subject, event->reason, event->message, since, Source::Events);
}

}  // namespace

bool IsStall(std::string_view klass) {
  return std::find(kStallClasses.begin(), kStallClasses.end(), klass) != kStallClasses.end();
}

std::optional<Stall> FindStall(const JobView& job, const std::optional<PodView>& pod,
                               const std::optional<ObjectEvent>& event) {
  if (job.phase != JobView::Phase::Active || job.suspended) return std::nullopt;
  const Time since = std::max(job.created, job.started);
  if (!pod) return WithoutPod(event, since);
  if (pod->deleting) {
    const bool lost = pod->disruption == "DeletionByTaintManager" || pod->failure == "NodeLost";
    return Make(lost ? "NodeLost" : "Terminating", "its Pod was to be gone by " + FormatTime(pod->deletion),
                pod->disruption, pod->failure_message, pod->deletion);
  }
  if (pod->initializing || (pod->build && pod->build->state != ContainerView::State::Waiting))
    return std::nullopt;
  return Starting(*pod, event, std::max(since, pod->step_done));
}

bool MayBeEnded(const Stall& stall) {
  return stall.source != Source::Nobody && (stall.klass == "ImagePull" || stall.klass == "ContainerCreating");
}

}  // namespace imagebatch::cluster
