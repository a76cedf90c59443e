#pragma once
#include "kube/config/config.h"
#include "kube/config/kubeconfig_files.h"

namespace imagebatch::kube {

/// The plugin in `user`, which has a member `exec`. `cluster` and its `transport`: what the plugin is told
/// where it asks for it (provideClusterInfo).
Result<ExecPlugin> ReadExecSection(const Section& user, const Section& cluster,
                                   const TransportConfig& transport);

}  // namespace imagebatch::kube
