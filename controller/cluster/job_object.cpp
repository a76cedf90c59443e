#include "cluster/job_object.h"

#include <utility>

#include "batch/pod_template.h"
#include "cluster/names.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

constexpr std::string_view kVolume = batch::kRunnerName;
constexpr const char* kRunner = "/imagebatch/imagebatch-runner";

json RunnerArguments(const batch::HangPolicy& hang) {
  const auto seconds = [](int64_t n) { return std::to_string(n) + "s"; };
  json arguments = {kRunner,
                    "--listen",
                    ":" + std::to_string(kRunnerPort),
                    "--state",
                    "/imagebatch/state.json",
                    "--result",
                    "/dev/termination-log",
                    "--deadlock-after",
                    seconds(hang.deadlock_seconds),
                    "--idle-after",
                    seconds(hang.idle_seconds),
                    "--silent-after",
                    seconds(hang.silent_seconds)};
  if (hang.deadline_seconds > 0) {
    arguments.push_back("--deadline");
    arguments.push_back(seconds(hang.deadline_seconds));
  }
  arguments.push_back("--on-hang");
  // Retry and Fail both end the hung tree; what follows is decided here, from the attempt's result
  arguments.push_back(hang.action == batch::HangAction::Flag ? "flag" : "fail");
  arguments.push_back("--");
  return arguments;
}

json InitContainer(const std::string& image) {
  return {
      {"name", kVolume},
      {"image", image},
      {"command", {"/usr/bin/imagebatch-runner", "install", kRunner}},
      {"volumeMounts", json::array({{{"name", kVolume}, {"mountPath", "/imagebatch"}}})},
      {"resources", {{"requests", {{"cpu", "10m"}, {"memory", "16Mi"}}}, {"limits", {{"memory", "64Mi"}}}}},
      {"securityContext",
       {{"runAsNonRoot", true},
        {"runAsUser", 65532},
        {"runAsGroup", 65532},
        {"allowPrivilegeEscalation", false},
        {"readOnlyRootFilesystem", true},
        {"capabilities", {{"drop", {"ALL"}}}},
        {"seccompProfile", {{"type", "RuntimeDefault"}}}}}};
}

/// Last in the list, so that no other variable can be made of it.
void SetMarker(json& container, const std::string& marker) {
  json& variables = container["env"];
  json kept = json::array();
  for (json& variable : variables) {
    if (!variable.is_object() || variable.value("name", json()) != kMarkerVariable)
      kept.push_back(std::move(variable));
  }
  kept.push_back({{"name", kMarkerVariable}, {"value", marker}});
  variables = std::move(kept);
}

void Supervise(json& container, const batch::HangPolicy& hang, const std::string& marker) {
  SetMarker(container, marker);
  json command = RunnerArguments(hang);
  for (const json& word : container["command"]) command.push_back(word);
  container["command"] = std::move(command);
  container["volumeMounts"].push_back({{"name", kVolume}, {"mountPath", "/imagebatch"}});
  container["readinessProbe"] = {{"httpGet", {{"path", "/progress"}, {"port", kRunnerPort}}},
                                 {"periodSeconds", kProbePeriodSeconds},
                                 {"timeoutSeconds", 3},
                                 {"failureThreshold", 1}};
  container.erase("terminationMessagePath");
  container.erase("terminationMessagePolicy");
}

void AddRunner(json& pod, const std::string& image) {
  // In memory: the runner renews its state file with every sample, and a disk would flush each
  pod["volumes"].push_back({{"name", kVolume}, {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", "16Mi"}}}});
  json init = json::array({InitContainer(image)});
  for (json& other : pod["initContainers"]) init.push_back(std::move(other));
  pod["initContainers"] = std::move(init);
}

}  // namespace

json OwnerReference(const batch::Batch& batch) {
  return {{"apiVersion", kApiVersion}, {"kind", "ImageBatch"}, {"name", batch.name},
          {"uid", batch.uid},          {"controller", true},   {"blockOwnerDeletion", true}};
}

json JobObject(const batch::Batch& batch, const batch::Stage& stage, const batch::Build& build,
               const JobSpec& spec, json pod_template) {
  json& container = pod_template["spec"]["containers"][batch::BuildContainer(pod_template).value()];
  const bool runner = batch::HasRunner(pod_template);
  if (runner) Supervise(container, batch::Override(batch.hang, stage.hang), spec.marker);
  const json container_name = container["name"];
  json& metadata = pod_template["metadata"];
  json& labels = metadata["labels"];
  json& annotations = metadata["annotations"];
  labels[std::string(kBatchUidLabel)] = batch.uid;
  labels[std::string(kBatchLabel)] = LabelValue(batch.name);
  labels[std::string(kStageLabel)] = stage.name;
  labels[std::string(kBuildLabel)] = spec.build_hash;
  labels[std::string(kAttemptLabel)] = std::to_string(spec.attempt);
  annotations[std::string(kNameAnnotation)] = spec.display_name;
  annotations[std::string(kImageAnnotation)] = build.image;

  json job = {{"apiVersion", "batch/v1"},
              {"kind", "Job"},
              {"metadata",
               {{"name", JobName(batch.name, spec.build_hash, spec.attempt)},
                {"namespace", batch.ns},
                {"labels", labels},
                {"annotations", annotations},
                {"ownerReferences", json::array({OwnerReference(batch)})}}}};
  annotations[std::string(kContainerAnnotation)] = container_name;

  json& pod = pod_template["spec"];
  pod["restartPolicy"] = "Never";
  if (!pod.contains("automountServiceAccountToken")) pod["automountServiceAccountToken"] = false;
  if (runner) AddRunner(pod, spec.runner_image);
  job["spec"] = {{"completions", 1},
                 {"parallelism", 1},
                 {"backoffLimit", 0},  // an attempt is one Job with one Pod: retries are ours to decide
                 {"podReplacementPolicy", "Failed"},
                 {"template", std::move(pod_template)}};
  return job;
}

}  // namespace imagebatch::cluster
