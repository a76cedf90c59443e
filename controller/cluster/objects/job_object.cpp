#include "cluster/objects/job_object.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "batch/pod_template.h"
#include "cluster/objects/names.h"
#include "contract/contract.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
namespace flag = contract::flag;

constexpr std::string_view kVolume = batch::kRunnerName;
constexpr const char* kRunner = "/imagebatch/imagebatch-runner";
constexpr const char* kState = "/imagebatch/state.json";
constexpr int kNobody = 65532;  // the user of the runner's image

/// How much the kubelet keeps of each termination message: 4 KiB, and of all of a Pod's containers together
/// 12 KiB, in equal shares (pkg/kubelet/status normalizeStatus). One more container is counted, the ephemeral
/// one of a `kubectl debug`.
int64_t TerminationMessageBytes(const json& pod) {
  constexpr size_t kAll = 12288;
  const size_t containers = pod["containers"].size() + pod["initContainers"].size() + 1;
  return static_cast<int64_t>(
      std::clamp(kAll / containers, contract::kLeastResultBytes, contract::kMostResultBytes));
}

/// What the template gives a build to end, from SIGTERM on, less what the runner needs for its account;
/// nothing where it says nothing. The kubelet then kills the runner.
std::optional<int64_t> Grace(const json& pod) {
  constexpr int64_t kForTheAccount = 2;
  const auto at = pod.find("terminationGracePeriodSeconds");
  if (at == pod.end() || !at->is_number_integer()) return std::nullopt;
  return std::max<int64_t>(at->get<int64_t>() - kForTheAccount, 0);
}

/// For the kubelet replaces $(NAME) in a command, and $$ by $.
std::string NotExpanded(const std::string& text) {
  std::string doubled;
  for (const char c : text) doubled.append(c == '$' ? 2 : 1, c);
  return doubled;
}

json RunnerArguments(const batch::HangPolicy& hang, bool listen, int64_t result_bytes,
                     std::optional<int64_t> grace) {
  const auto seconds = [](int64_t n) { return std::to_string(n) + "s"; };
  json arguments = {kRunner};
  const auto add = [&](const char* option, std::string value) {
    arguments.push_back(option);
    arguments.push_back(std::move(value));
  };
  if (listen) add(flag::kListen, ":" + std::to_string(kRunnerPort));
  add(flag::kState, kState);
  add(flag::kResult, "/dev/termination-log");
  add(flag::kResultBytes, std::to_string(result_bytes));
  add(flag::kDeadlockAfter, seconds(hang.deadlock_seconds));
  add(flag::kIdleAfter, seconds(hang.idle_seconds));
  add(flag::kSilentAfter, seconds(hang.silent_seconds));
  if (hang.deadline_seconds > 0) add(flag::kDeadline, seconds(hang.deadline_seconds));
  for (const batch::ExpectedLine& line : hang.expect)
    add(flag::kExpect,
        seconds(line.first_seconds) + "," + seconds(line.within_seconds) + "=" + NotExpanded(line.pattern));
  if (grace) add(flag::kGrace, seconds(*grace));
  // Retry and Fail both end the hung tree; what follows is decided here, from the attempt's result
  add(flag::kOnHang, hang.action == batch::HangAction::Flag ? contract::kFlag : contract::kFail);
  arguments.push_back("--");
  return arguments;
}

/// The part of the build's resources that the init container asks for too. A Pod counts for the larger of its
/// init containers and its containers, so this costs nothing.
json SameResources(const json& container) {
  json same = json::object();
  const auto resources = container.find("resources");
  if (resources == container.end() || !resources->is_object()) return same;
  for (const char* kind : {"requests", "limits"}) {
    const auto amounts = resources->find(kind);
    if (amounts == resources->end() || !amounts->is_object()) continue;
    for (const char* name : {"cpu", "memory", "ephemeral-storage"}) {
      if (amounts->contains(name)) same[kind][name] = (*amounts)[name];
    }
  }
  return same;
}

/// Fits Pod Security "restricted". It names no user, so that it may run as whoever the namespace allows: the
/// image's own is not root. Only where the template makes root the Pod's user it must name another.
json SecurityContext(const json& pod, const json& changes) {
  json context = {{"runAsNonRoot", true},
                  {"allowPrivilegeEscalation", false},
                  {"readOnlyRootFilesystem", true},
                  {"capabilities", {{"drop", {"ALL"}}}},
                  {"seccompProfile", {{"type", "RuntimeDefault"}}}};
  const auto of_pod = pod.find("securityContext");
  if (of_pod != pod.end() && of_pod->is_object() && of_pod->value("runAsUser", json()) == 0) {
    context["runAsUser"] = kNobody;
    context["runAsGroup"] = kNobody;
  }
  if (changes.is_object()) context.merge_patch(changes);
  return context;
}

json InitContainer(const RunnerSource& source, const json& pod, const json& container) {
  json init = {{"name", kVolume},
               {"image", source.image},
               {"command", {"/usr/bin/imagebatch-runner", "install", kRunner}},
               {"volumeMounts", json::array({{{"name", kVolume}, {"mountPath", "/imagebatch"}}})},
               {"resources", source.resources.is_object() ? source.resources : SameResources(container)},
               {"securityContext", SecurityContext(pod, source.security_context)}};
  if (!source.pull_policy.empty()) init["imagePullPolicy"] = source.pull_policy;
  return init;
}

/// Last in the list, so that no other variable can be made of it.
void SetMarker(json& container, const std::string& marker) {
  json& variables = container["env"];
  json kept = json::array();
  for (json& variable : variables) {
    if (!variable.is_object() || variable.value("name", json()) != contract::kMarkerVariable)
      kept.push_back(std::move(variable));
  }
  kept.push_back({{"name", contract::kMarkerVariable}, {"value", marker}});
  variables = std::move(kept);
}

json ReadinessProbe(bool listens) {
  json probe = {{"periodSeconds", kProbePeriodSeconds}, {"timeoutSeconds", 3}, {"failureThreshold", 1}};
  if (listens) {
    probe["httpGet"] = {{"path", contract::kProgressPath}, {"port", kRunnerPort}};
  } else {
    probe["exec"] = {{"command", {kRunner, "probe", flag::kState, kState}}};
  }
  return probe;
}

void Supervise(json& pod, size_t build, const batch::HangPolicy& hang, const JobSpec& spec) {
  // Builds of one node share its ports where they share its network: there the runner takes none
  const bool listen = pod.value("hostNetwork", json()) != true;
  // In memory: the runner renews its state file with every sample, and a disk would flush each
  pod["volumes"].push_back({{"name", kVolume}, {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", "16Mi"}}}});
  json init = json::array({InitContainer(spec.runner, pod, pod["containers"][build])});
  for (json& other : pod["initContainers"]) init.push_back(std::move(other));
  pod["initContainers"] = std::move(init);

  json& container = pod["containers"][build];
  SetMarker(container, spec.marker);
  json command = RunnerArguments(hang, listen, TerminationMessageBytes(pod), Grace(pod));
  for (const json& word : container["command"]) command.push_back(word);
  container["command"] = std::move(command);
  container["volumeMounts"].push_back({{"name", kVolume}, {"mountPath", "/imagebatch"}});
  container["readinessProbe"] = ReadinessProbe(listen);
  container.erase("terminationMessagePath");
  container.erase("terminationMessagePolicy");
}

}  // namespace

json OwnerReference(const batch::Batch& batch) {
  return {{"apiVersion", kApiVersion}, {"kind", "ImageBatch"}, {"name", batch.name},
          {"uid", batch.uid},          {"controller", true},   {"blockOwnerDeletion", true}};
}

json JobObject(const batch::Batch& batch, const batch::Stage& stage, const batch::Build& build,
               const JobSpec& spec, json pod_template) {
  const size_t container = batch::BuildContainer(pod_template).value();
  const json container_name = pod_template["spec"]["containers"][container]["name"];
  if (batch::HasRunner(pod_template)) {
    Supervise(pod_template["spec"], container, batch::Override(batch.hang, stage.hang), spec);
  }
  json& metadata = pod_template["metadata"];
  json& labels = metadata["labels"];
  json& annotations = metadata["annotations"];
  labels[std::string(kBatchUidLabel)] = batch.uid;
  labels[std::string(kBatchLabel)] = LabelValue(batch.name);
  labels[std::string(kStageLabel)] = stage.name;
  labels[std::string(kBuildLabel)] = spec.build_hash;
  labels[std::string(kAttemptLabel)] = std::to_string(spec.attempt);
  if (spec.round > 0) labels[std::string(kRoundLabel)] = std::to_string(spec.round);
  if (const std::string name = LabelValue(spec.display_name); !name.empty())
    labels[std::string(kNameLabel)] = name;
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
  job["spec"] = {{"completions", 1},
                 {"parallelism", 1},
                 {"backoffLimit", 0},  // an attempt is one Job with one Pod: retries are ours to decide
                 {"podReplacementPolicy", "Failed"},
                 {"template", std::move(pod_template)}};
  return job;
}

}  // namespace imagebatch::cluster
