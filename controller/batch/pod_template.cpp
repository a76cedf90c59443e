#include "batch/pod_template.h"

#include <algorithm>

namespace imagebatch::batch {
namespace {

using nlohmann::json;

/// A member of an object; null where there is none.
const json& Member(const json& value, std::string_view name) {
  static const json kNull;
  if (!value.is_object()) return kNull;
  const auto found = value.find(name);
  return found == value.end() ? kNull : *found;
}

bool IsNamed(const json& item, std::string_view name) { return Member(item, "name") == json(name); }

/// What something of ours is put into must be what Kubernetes says it is; the API server has not looked yet.
void CheckKind(const json& value, json::value_t kind, const std::string& where, Problems& problems) {
  if (value.is_null() || value.type() == kind) return;
  problems.Add(where, kind == json::value_t::array ? "must be an array" : "must be an object");
}

void CheckBuildContainer(const json& container, const std::string& where, Problems& problems) {
  const json& command = Member(container, "command");
  const bool strings = command.is_array() && std::all_of(command.begin(), command.end(),
                                                         [](const json& c) { return c.is_string(); });
  if (!strings || command.empty()) {
    problems.Add(where + ".command",
                 "is required, as an array of strings: the runner is put in front of it and cannot know the "
                 "image's own entrypoint");
  }
  for (const char* field : {"env", "volumeMounts"}) {
    CheckKind(Member(container, field), json::value_t::array, where + "." + field, problems);
  }
  for (const char* field : {"readinessProbe", "terminationMessagePath", "terminationMessagePolicy"}) {
    if (!Member(container, field).is_null()) {
      problems.Add(where + "." + field, "is set by the runner in the build container; leave it out");
    }
  }
}

void CheckMetadata(const json& metadata, const std::string& where, Problems& problems) {
  CheckKind(metadata, json::value_t::object, where, problems);
  for (const char* field : {"labels", "annotations"}) {
    CheckKind(Member(metadata, field), json::value_t::object, where + "." + field, problems);
  }
  const json& runner = Member(Member(metadata, "annotations"), kRunnerAnnotation);
  if (runner.is_null() || runner == json(kNoRunner)) return;
  problems.Add(where + ".annotations[" + std::string(kRunnerAnnotation) + "]",
               "must be " + std::string(kNoRunner) + " or left out");
}

}  // namespace

std::optional<size_t> BuildContainer(const json& pod_template) {
  const json& containers = Member(Member(pod_template, "spec"), "containers");
  if (!containers.is_array() || containers.empty()) return std::nullopt;
  if (containers.size() == 1) return 0;
  for (size_t i = 0; i < containers.size(); ++i) {
    if (IsNamed(containers[i], "build")) return i;
  }
  return std::nullopt;
}

bool HasRunner(const json& pod_template) {
  return Member(Member(Member(pod_template, "metadata"), "annotations"), kRunnerAnnotation) !=
         json(kNoRunner);
}

void CheckPodTemplate(const json& pod_template, const std::string& where, Problems& problems) {
  if (!pod_template.is_object()) return problems.Add(where, "must be an object");
  CheckMetadata(Member(pod_template, "metadata"), where + ".metadata", problems);
  const std::string spec_path = where + ".spec";
  const json& spec = Member(pod_template, "spec");
  if (!spec.is_object()) return problems.Add(spec_path, "is required, as an object");

  const json& restart_policy = Member(spec, "restartPolicy");
  if (!restart_policy.is_null() && restart_policy != "Never") {
    problems.Add(spec_path + ".restartPolicy",
                 "must be Never or left out: an attempt is one run; retries are spec.backoffLimit");
  }
  for (const char* list : {"containers", "initContainers", "volumes"}) {
    const json& items = Member(spec, list);
    CheckKind(items, json::value_t::array, spec_path + "." + list, problems);
    if (!items.is_array()) continue;
    for (size_t i = 0; i < items.size(); ++i) {
      if (IsNamed(items[i], kRunnerName)) {
        problems.Add(spec_path + "." + list + "[" + std::to_string(i) + "].name",
                     std::string(kRunnerName) + " is reserved for the runner");
      }
    }
  }
  const json& containers = Member(spec, "containers");
  if (!containers.is_array() || containers.empty()) {
    return problems.Add(spec_path + ".containers", "needs at least one container");
  }
  const auto build = BuildContainer(pod_template);
  if (!build) {
    return problems.Add(spec_path + ".containers",
                        "has " + std::to_string(containers.size()) +
                            " containers; name the one that runs the build \"build\"");
  }
  if (!HasRunner(pod_template)) return;
  CheckBuildContainer(containers[*build], spec_path + ".containers[" + std::to_string(*build) + "]",
                      problems);
}

}  // namespace imagebatch::batch
