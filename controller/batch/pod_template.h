#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "batch/problems.h"

namespace imagebatch::batch {

/// The name that the volume, the init container and the mount of the runner have in every build Pod.
inline constexpr std::string_view kRunnerName = "imagebatch-runner";

/// Which of spec.containers of a Pod template is the build: the one called "build", or the only one.
/// Nothing where there is no such container.
std::optional<size_t> BuildContainer(const nlohmann::json& pod_template);

/// The annotation, and its one value, by which a template opts out of the runner: its builds are watched from
/// outside alone.
inline constexpr std::string_view kRunnerAnnotation = "imagebatch.dev/runner";
inline constexpr std::string_view kNoRunner = "none";

/// False where the template's metadata.annotations say kNoRunner.
bool HasRunner(const nlohmann::json& pod_template);

/// Checks what the runner's way into the Pod rests on: a build container with a command, and nothing of the
/// template where the runner's own parts go. What the runner merely cannot work with, such as a startup
/// probe, is refused by the CRD alone: a batch that runs already is not stopped for it. All else is left to
/// the API server's dry run of the first Job.
void CheckPodTemplate(const nlohmann::json& pod_template, const std::string& where, Problems& problems);

}  // namespace imagebatch::batch
