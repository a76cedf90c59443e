#include "cluster/objects/pod_containers.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace imagebatch::cluster {
namespace {

using Role = ContainerView::Role;
using State = ContainerView::State;

constexpr size_t kMessageLimit = 512;  // of a container that is not the build

/// It waits, and not only for its turn or its first moment.
bool IsHeldUp(const ContainerView& container) {
  return container.state == State::Waiting && !container.reason.empty() &&
         container.reason != "PodInitializing" && container.reason != "ContainerCreating";
}

bool IsOfInterest(const ContainerView& container) {
  switch (container.state) {
    case State::Waiting:
      return IsHeldUp(container);
    case State::Running:
      return true;
    case State::Terminated:
      return container.exit_code != 0 || container.reason == "OOMKilled";
  }
  return true;
}

const ContainerSpec* Find(const std::vector<ContainerSpec>& specs, const std::string& name) {
  const auto at =
      std::find_if(specs.begin(), specs.end(), [&](const auto& spec) { return spec.name == name; });
  return at == specs.end() ? nullptr : &*at;
}

/// What keeps `container` from running is what the build waits for, where nothing before it does.
void NoteWaiting(const ContainerView& container, const ContainerSpec* spec, PodView& pod) {
  if (!pod.waiting.reason.empty() || !IsHeldUp(container)) return;
  pod.waiting = {container.name, container.reason, container.message, spec == nullptr ? "" : spec->image};
}

void Keep(ContainerView container, PodView& pod) {
  if (!IsOfInterest(container)) return;
  container.message = Cut(container.message, kMessageLimit);
  pod.others.push_back(std::move(container));
}

}  // namespace

void TakeContainers(PodContainers containers, PodView& pod) {
  for (ContainerView& container : containers.init_states) {
    const ContainerSpec* spec = Find(containers.init_specs, container.name);
    container.role = spec != nullptr && spec->restarts ? Role::Sidecar : Role::Init;
    NoteWaiting(container, spec, pod);
    // A sidecar may end and be started again at any time
    if (container.role == Role::Init) pod.step_done = std::max(pod.step_done, container.finished);
    Keep(std::move(container), pod);
  }
  for (ContainerView& container : containers.states) {
    if (container.name != pod.container) {
      Keep(std::move(container), pod);
      continue;
    }
    NoteWaiting(container, Find(containers.specs, container.name), pod);
    container.role = Role::Build;
    pod.build = std::move(container);
  }
  if (const ContainerSpec* spec = Find(containers.specs, pod.container)) {
    pod.marker = spec->marker_is_uid ? pod.uid : spec->marker;
  }
  if (pod.build && pod.build->state != State::Waiting) return;
  for (auto* specs : {&containers.init_specs, &containers.specs}) {
    for (ContainerSpec& spec : *specs) pod.images.emplace_back(std::move(spec.name), std::move(spec.image));
  }
}

const ContainerSpec* WatchedContainer(const PodContainers& containers, const PodView& pod) {
  const auto& specs = containers.specs;
  const ContainerSpec* named = Find(specs, pod.container);
  if (named != nullptr && named->marker_is_uid) return named;
  const auto marked = std::find_if(specs.begin(), specs.end(), [](const auto& s) { return s.marker_is_uid; });
  if (marked != specs.end()) return &*marked;
  return named != nullptr || specs.empty() ? named : &specs.front();
}

}  // namespace imagebatch::cluster
