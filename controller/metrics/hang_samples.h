#pragma once
#include "metrics/samples.h"

/// What is told of hung builds and Pods.
namespace imagebatch::metrics {

Samples BuildsHung(const Snapshot& snapshot);
Samples BuildsStalled(const Snapshot& snapshot);
Samples Hangs(const Snapshot& snapshot);
Samples HungBuildSince(const Snapshot& snapshot);
Samples HangInfo(const Snapshot& snapshot);
Samples HangGroupBuilds(const Snapshot& snapshot);
Samples WatchedPods(const Snapshot& snapshot);
Samples WatchedPodsHung(const Snapshot& snapshot);
Samples WatchedPodHungSince(const Snapshot& snapshot);

}  // namespace imagebatch::metrics
