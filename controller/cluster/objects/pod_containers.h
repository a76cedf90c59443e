#pragma once
#include <string>
#include <vector>

#include "cluster/objects/views.h"

namespace imagebatch::cluster {

/// What a Pod's spec says of a container.
struct ContainerSpec {
  std::string name, image, marker;
  bool restarts = false;  // restartPolicy Always
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

}  // namespace imagebatch::cluster
