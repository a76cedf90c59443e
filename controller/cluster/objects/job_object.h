#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "batch/types.h"

namespace imagebatch::cluster {

/// Where the runner listens in a build's Pod (GET /progress), and how often the kubelet asks.
inline constexpr int kRunnerPort = 9911;
inline constexpr int kProbePeriodSeconds = 5;

/// What the init container that brings the runner is made from.
struct RunnerSource {
  std::string image{};        // has /usr/bin/imagebatch-runner
  std::string pull_policy{};  // Always, IfNotPresent or Never; empty: Kubernetes' default
  /// Its resources. Null: the build container's own cpu, memory and ephemeral-storage, which takes nothing
  /// more from a quota, keeps the Pod's QoS class, and fits whatever LimitRange the build fits.
  nlohmann::json resources{};
  /// Merged into its security context as a JSON merge patch. Null: nothing is.
  nlohmann::json security_context{};
};

/// One attempt of one build.
struct JobSpec {
  std::string build_hash;
  std::string display_name;  // the row's name or the key
  int attempt = 1;
  RunnerSource runner{};
  std::string marker{};  // of this attempt, see Markers
  int round = 0;         // of reruns
};

/// The Job of an attempt. `pod_template` is the stage's, already rendered; its labels and annotations go to
/// the Job as well as to its Pod. The runner is copied in by an init container and put before the command;
/// the readiness probe asks the runner, so Ready says that the build progresses: over HTTP, or, in the node's
/// network, where a port would not be the Pod's own, by a program. The build container's own
/// readinessProbe and termination message settings are replaced, and its variable IMAGEBATCH_MARKER. A
/// template that opts out of the runner (batch::HasRunner) is left as it is, but for labels and annotations.
nlohmann::json JobObject(const batch::Batch& batch, const batch::Stage& stage, const batch::Build& build,
                         const JobSpec& spec, nlohmann::json pod_template);

/// The reference by which everything that belongs to a batch is owned and goes with it.
nlohmann::json OwnerReference(const batch::Batch& batch);

}  // namespace imagebatch::cluster
