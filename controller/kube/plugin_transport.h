#pragma once
#include <functional>
#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "kube/config/config.h"
#include "kube/config/exec_plugin.h"
#include "kube/transport.h"

namespace imagebatch::kube {

/// A transport whose credentials come from a plugin. `config.transport` says all but them. `run` gives a
/// credential, `make` a transport that uses it.
struct PluginSource {
  std::function<Result<Credential>()> run;
  std::function<Result<std::unique_ptr<HttpTransport>>(const TransportConfig& config)> make;
  const Clock& clock;
};

/// Runs the plugin before the first request and again once its credential has expired, or was refused (401):
/// then the request is sent once more, with the new one. A plugin that fails is the error of the request.
std::unique_ptr<HttpTransport> MakePluginTransport(TransportConfig config, PluginSource source);

/// The transport for a person: of cpprestsdk, with the plugin where `config` has one. `terminal`: whether
/// there is somebody whom the plugin can ask. `clock` must outlive it.
Result<std::unique_ptr<HttpTransport>> MakePersonalTransport(const ClusterConfig& config, bool terminal,
                                                             const Clock& clock);

}  // namespace imagebatch::kube
