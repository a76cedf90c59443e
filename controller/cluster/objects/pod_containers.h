#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cluster/objects/views.h"

namespace imagebatch::cluster {

/// What a Pod's spec says of a container.
struct ContainerSpec {
  enum class Probe : uint8_t { None, OfRunner, Other };
  std::string name, image, marker;
  bool restarts = false;       // restartPolicy Always
  bool marker_is_uid = false;  // the Pod's, by the downward API
  bool command = false;        // it has one
  Probe probe = Probe::None;   // of readiness
};

/// The containers of a Pod as its spec and its status list them.
struct PodContainers {
  std::vector<ContainerSpec> init_specs, specs;
  std::vector<ContainerView> init_states, states;
};

/// Takes from them what counts: the build, which is the one called `pod.container`, and its marker; the
/// others that run, are held up or have failed; what the build waits for; when the last step towards it was
/// done.
void TakeContainers(PodContainers containers, PodView& pod);

/// The container of a Pod of no batch that is watched: of those with the Pod's UID as their marker the
/// default one, or the first; where none has it, the default one, or the first of all. Null: there is none.
const ContainerSpec* WatchedContainer(const PodContainers& containers, const PodView& pod);

}  // namespace imagebatch::cluster
