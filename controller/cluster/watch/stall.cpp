#include "cluster/watch/stall.h"

#include <algorithm>

#include "base/text.h"

namespace imagebatch::cluster {
namespace {

constexpr size_t kMessageLimit = 512;
constexpr size_t kReasonLimit = 64;
constexpr std::string_view kPulling = "Pulling";

bool Has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// The kubelet's (pkg/kubelet/images/types.go) and those that a container runtime may add
// (pkg/kubelet/images/image_manager.go).
constexpr std::array<std::string_view, 7> kImageReasons = {
    "ErrImagePull",      "ImagePullBackOff",    "InvalidImageName",         "ErrImageNeverPull",
    "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"};

bool IsAboutAnImage(std::string_view reason) {
  return std::find(kImageReasons.begin(), kImageReasons.end(), reason) != kImageReasons.end();
}

// Of the kubelet's Events some have the reason in their message alone: Failed with "Error: ErrImagePull" or
// "Failed to pull image ...", BackOff with "Back-off pulling image ..."
// (pkg/kubelet/images/image_manager.go).
bool IsAboutAnImage(const ObjectEvent& event) {
  if (event.reason == kPulling || event.reason == "InspectFailed" || IsAboutAnImage(event.reason))
    return true;
  if (Has(event.message, "pull image") || Has(event.message, "pulling image")) return true;
  return std::any_of(kImageReasons.begin(), kImageReasons.end(),
                     [&](std::string_view reason) { return Has(event.message, reason); });
}

/// A stall in the words "subject: reason: message", as many of them as there are.
Stall Make(std::string_view class_name, std::string subject, std::string_view reason,
           std::string_view message, Source source = Source::Status) {
  if (!reason.empty()) subject.append(": ").append(reason);
  if (!message.empty()) subject.append(": ").append(message);
  return {class_name, Printable(reason.empty() ? class_name : reason, kReasonLimit),
          Printable(subject, kMessageLimit), source};
}

/// `message` with the name of the image that it is about.
std::string WithImage(std::string message, const std::string& image) {
  if (image.empty() || Has(message, image)) return message;
  return "image " + image + (message.empty() ? "" : ": " + message);
}

std::string ImageOf(const PodView& pod, const std::string& container) {
  for (const auto& [name, image] : pod.images) {
    if (name == (container.empty() ? pod.container : container)) return image;
  }
  return {};
}

Stall WithoutPod(const Rare<PodView>& gone, const Rare<ObjectEvent>& event) {
  if (gone)
    return Make("PodNotCreated", "its Pod is gone, and its Job has neither finished nor created another", "",
                "", Source::Nobody);
  constexpr const char* kNoPod = "its Job has no Pod";
  if (!event) return Make("PodNotCreated", kNoPod, "", "", Source::Nobody);
  const bool quota = Has(event->message, "exceeded quota");
  return Make(quota ? "QuotaExceeded" : "PodNotCreated", kNoPod, event->reason, event->message,
              Source::Events);
}

/// Where the Pod's status gives no reason.
Stall StartingByEvents(const PodView& pod, const Rare<ObjectEvent>& event) {
  const std::string subject = "its containers do not start";
  if (!event || (!event->warning && event->reason != kPulling))
    return Make("ContainerCreating", subject, "", "Kubernetes gives no reason", Source::Nobody);
  if (IsAboutAnImage(*event)) {
    return Make("ImagePull", subject, event->reason,
                WithImage(event->message, ImageOf(pod, event->container)), Source::Events);
  }
  // Its containers may run although nobody can say so any more
  const bool lost = event->reason == "NodeNotReady";
  return Make(lost ? "NodeLost" : "ContainerCreating", subject, event->reason, event->message,
              Source::Events);
}

Stall Starting(const PodView& pod, const Rare<ObjectEvent>& event) {
  const WaitingFor& waiting = pod.waiting;
  if (!waiting.reason.empty() && !waiting.container.empty()) {
    const std::string subject = "its container " + waiting.container + " does not start";
    if (!IsAboutAnImage(waiting.reason))
      return Make("ContainerCreating", subject, waiting.reason, waiting.message);
    return Make("ImagePull", subject, waiting.reason, WithImage(waiting.message, waiting.image));
  }
  for (const ContainerView& container : pod.others) {
    if (container.role == ContainerView::Role::Sidecar && !container.up)
      return Make("ContainerCreating", "its sidecar " + container.name + " has not passed its startupProbe",
                  "", "");
  }
  return StartingByEvents(pod, event);
}

Stall Initializing(const PodView& pod) {
  for (const ContainerView& container : pod.others) {
    if (container.role == ContainerView::Role::Init && container.state == ContainerView::State::Running)
      return Make("Initializing",
                  "its init container " + container.name + " runs since " + FormatTime(container.started), "",
                  "");
  }
  return Make("Initializing", "an init container is still running", "", "");
}

Stall Leaving(const JobView& job, const Rare<PodView>& pod) {
  if (!pod || pod->gone)
    return Make("Terminating", "its Job should have been gone by " + FormatTime(job.deletion), "", "");
  const bool lost = pod->disruption == "DeletionByTaintManager" || pod->failure == "NodeLost";
  return Make(lost ? "NodeLost" : "Terminating",
              "its Pod should have been gone by " + FormatTime(pod->deletion), pod->disruption,
              pod->failure_message);
}

}  // namespace

std::optional<Stall> FindStall(Standing standing, const JobView& job, const Rare<PodView>& pod,
                               const Rare<ObjectEvent>& event) {
  switch (standing) {
    case Standing::WithoutPod:
      return WithoutPod(pod, event);
    case Standing::Unscheduled:
      return Make("Unschedulable", "its Pod has no node", pod->waiting.reason, pod->waiting.message);
    case Standing::Starting:
      return Starting(*pod, event);
    case Standing::Initializing:
      return Initializing(*pod);
    case Standing::WarmingUp:
      return Make("Initializing", "its startupProbe has not passed", "", "");
    case Standing::NodeSilent:
      return Make("NodeLost", "its node has not responded since " + FormatTime(pod->ready_changed), "", "");
    case Standing::Leaving:
      return Leaving(job, pod);
    case Standing::Suspended:
    case Standing::KeptBack:
    case Standing::Gated:
    case Standing::Running:
    case Standing::BuildEnded:
    case Standing::PodEnded:
    case Standing::Ended:
      return std::nullopt;
  }
  return std::nullopt;
}

bool MayBeEnded(const Stall& stall) {
  return stall.source != Source::Nobody && stall.reason != kPulling &&
         (stall.class_name == "ImagePull" || stall.class_name == "ContainerCreating");
}

}  // namespace imagebatch::cluster
