#include "local/batch_check.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "batch/pod_template.h"
#include "batch/problems.h"

namespace imagebatch::local {
namespace {

using nlohmann::json;

/// What becomes of a field.
enum class Use {
  Taken,    // honoured, or it says what is so anyway
  Ignored,  // said once
  Looked,   // into, by code of its own
};

using Fields = std::map<std::string_view, Use>;

const Fields& SpecFields() {
  static const Fields fields = {
      {"parallelism", Use::Taken},
      {"suspend", Use::Looked},
      {"images", Use::Taken},
      {"variables", Use::Taken},
      {"stages", Use::Looked},
      {"existing", Use::Looked},
      {"firstBuilds", Use::Taken},
      {"maxFailedBuilds", Use::Taken},
      {"backoffLimit", Use::Taken},
      {"infrastructureRetryLimit", Use::Taken},
      {"hang", Use::Taken},
      {"activeDeadlineSeconds", Use::Taken},
      {"stall", Use::Ignored},  // nothing has to be scheduled or pulled
      {"ttlSecondsAfterFinished", Use::Ignored},
  };
  return fields;
}

const Fields& StageFields() {
  static const Fields fields = {
      {"name", Use::Taken},      {"needs", Use::Taken}, {"key", Use::Taken},     {"image", Use::Taken},
      {"template", Use::Looked}, {"hang", Use::Taken},  {"stall", Use::Ignored}, {"parallelism", Use::Taken},
  };
  return fields;
}

const Fields& PodFields() {
  static const Fields fields = {
      {"containers", Use::Looked},
      {"initContainers", Use::Looked},
      {"volumes", Use::Looked},
      {"automountServiceAccountToken", Use::Looked},
      {"shareProcessNamespace", Use::Looked},
      {"terminationGracePeriodSeconds", Use::Taken},
      {"restartPolicy", Use::Taken},
      {"enableServiceLinks", Use::Taken},
      {"imagePullSecrets", Use::Taken},
      {"os", Use::Taken},
      // A process of this machine is in its network and among its processes
      {"hostNetwork", Use::Taken},
      {"hostPID", Use::Taken},
      {"hostIPC", Use::Taken},
      {"securityContext", Use::Ignored},
      {"hostUsers", Use::Ignored},
      {"serviceAccountName", Use::Ignored},
      {"serviceAccount", Use::Ignored},
      {"resources", Use::Ignored},
      {"affinity", Use::Ignored},
      {"nodeName", Use::Ignored},
      {"nodeSelector", Use::Ignored},
      {"overhead", Use::Ignored},
      {"preemptionPolicy", Use::Ignored},
      {"priority", Use::Ignored},
      {"priorityClassName", Use::Ignored},
      {"runtimeClassName", Use::Ignored},
      {"schedulerName", Use::Ignored},
      {"schedulingGates", Use::Ignored},
      {"tolerations", Use::Ignored},
      {"topologySpreadConstraints", Use::Ignored},
  };
  return fields;
}

const Fields& ContainerFields() {
  static const Fields fields = {
      {"name", Use::Taken},
      {"image", Use::Taken},  // that it has no effect is told apart
      {"imagePullPolicy", Use::Taken},
      {"ports", Use::Taken},
      {"command", Use::Taken},
      {"args", Use::Taken},
      {"workingDir", Use::Taken},
      {"env", Use::Looked},
      {"volumeMounts", Use::Looked},
      {"stdin", Use::Looked},
      {"stdinOnce", Use::Looked},
      {"tty", Use::Looked},
      {"resources", Use::Ignored},
      {"resizePolicy", Use::Ignored},
      {"securityContext", Use::Ignored},
      {"livenessProbe", Use::Ignored},
      {"startupProbe", Use::Ignored},
  };
  return fields;
}

/// A member of an object; null where there is none.
const json& Member(const json& value, std::string_view name) {
  static const json kNull;
  if (!value.is_object()) return kNull;
  const auto found = value.find(name);
  return found == value.end() ? kNull : *found;
}

bool Empty(const json& value) { return value.is_null() || (value.is_structured() && value.empty()); }

/// "metadata.name", "metadata.labels['x']": what is known of a build without a cluster.
bool IsOfMetadata(const json& field_path) {
  if (!field_path.is_string()) return false;
  const auto& path = field_path.get_ref<const std::string&>();
  return path == "metadata.name" || path == "metadata.namespace" || path == "metadata.uid" ||
         ((path.starts_with("metadata.labels['") || path.starts_with("metadata.annotations['")) &&
          path.ends_with("']"));
}

class Checker {
 public:
  Checker(batch::Problems& refused, size_t stages) : refused_(refused), stages_(stages) {}

  void CheckSpec(const json& spec) {
    CheckFields(spec, SpecFields(), "spec");
    const json& existing = Member(spec, "existing");
    RefuseUnless(existing.is_null() || existing == "Rebuild", "spec.existing",
                 "no registry is asked here; leave it out: what was built here is not built again");
  }

  void CheckStage(const json& written, const batch::Stage& stage, const std::string& path) {
    stage_ = stage.name;
    CheckFields(written, StageFields(), path);
    const std::string where = path + ".template.spec";
    const json& spec = Member(stage.pod_template, "spec");
    const auto build = batch::BuildContainer(stage.pod_template);
    if (!spec.is_object() || !build) return;  // told by ReadBatch
    CheckFields(spec, PodFields(), where);
    CheckVolumes(Member(spec, "volumes"), where + ".volumes");
    RefuseUnless(Empty(Member(spec, "initContainers")), where + ".initContainers",
                 "there is no init container here; do its work in the build's command");
    RefuseUnless(Member(spec, "automountServiceAccountToken") != true,
                 where + ".automountServiceAccountToken", "there is no service account here; leave it out");
    RefuseUnless(Member(spec, "shareProcessNamespace") != true, where + ".shareProcessNamespace",
                 "there is one container alone here; leave it out");
    const json& containers = Member(spec, "containers");
    for (size_t i = 0; i < containers.size(); ++i) {
      const std::string at = where + ".containers[" + std::to_string(i) + "]";
      if (i == *build) {
        CheckContainer(containers[i], at);
      } else {
        refused_.Add(at,
                     "runs beside the build in a Pod; here nothing does: start what the build needs before "
                     "the batch, or in the build's command");
      }
    }
  }

  /// "resources (stage env)", "tolerations".
  std::vector<std::string> Ignored() const {
    std::vector<std::string> texts;
    for (const auto& [field, names] : ignored_) {
      std::string text = field;
      if (names.size() < stages_ && !names.front().empty()) {
        text += names.size() == 1 ? " (stage " : " (stages ";
        for (const std::string& name : names) text += (&name == &names.front() ? "" : ", ") + name;
        text += ")";
      }
      texts.push_back(std::move(text));
    }
    return texts;
  }

 private:
  /// Of an object, the fields that are not known, or are to be told.
  void CheckFields(const json& object, const Fields& known, const std::string& where) {
    for (const auto& [name, value] : object.items()) {
      if (value.is_null()) continue;
      const auto use = known.find(name);
      if (use == known.end()) {
        refused_.Add(
            where + "." + Printable(name, 100),
            "cannot be honoured on this machine, and without it the batch would be another; leave it out");
      } else if (use->second == Use::Ignored) {
        std::vector<std::string>& stages = ignored_[name];
        if (std::find(stages.begin(), stages.end(), stage_) == stages.end()) stages.push_back(stage_);
      }
    }
  }

  void RefuseUnless(bool good, const std::string& where, const char* message) {
    if (!good) refused_.Add(where, message);
  }

  void CheckVolumes(const json& volumes, const std::string& where) {
    if (!volumes.is_array()) return;
    for (size_t i = 0; i < volumes.size(); ++i) {
      for (const auto& [name, value] : volumes[i].items()) {
        if (name == "name" || name == "emptyDir" || value.is_null()) continue;
        refused_.Add(
            where + "[" + std::to_string(i) + "]." + Printable(name, 100),
            "there are no volumes here; have the command take its files from a path that a variable or "
            "a column gives");
      }
    }
  }

  void CheckContainer(const json& container, const std::string& where) {
    CheckFields(container, ContainerFields(), where);
    const json& command = Member(container, "command");
    RefuseUnless(command.is_array() && !command.empty(), where + ".command",
                 "is required: the image's own entrypoint is not known here");
    const json& mounts = Member(container, "volumeMounts");
    for (size_t i = 0; mounts.is_array() && i < mounts.size(); ++i) {
      refused_.Add(where + ".volumeMounts[" + std::to_string(i) + "]",
                   "nothing is mounted here: at its path the command would find what this machine has there; "
                   "have the command make its own directory");
    }
    for (const char* name : {"stdin", "stdinOnce", "tty"}) {
      RefuseUnless(Member(container, name) != true, where + "." + name,
                   "a build has no input and no terminal here; leave it out");
    }
    const json& variables = Member(container, "env");
    for (size_t i = 0; variables.is_array() && i < variables.size(); ++i)
      CheckVariable(variables[i], where + ".env[" + std::to_string(i) + "]");
  }

  void CheckVariable(const json& variable, const std::string& where) {
    const json& name = Member(variable, "name");
    const bool named = name.is_string() && !name.get_ref<const std::string&>().empty() &&
                       name.get_ref<const std::string&>().find('=') == std::string::npos;
    if (!named) return refused_.Add(where + ".name", "must be the name of a variable, without =");
    const json& value = Member(variable, "value");
    RefuseUnless(value.is_null() || value.is_string(), where + ".value",
                 "must be a string: put it in quotes");
    const json& from = Member(variable, "valueFrom");
    if (!from.is_object()) return;
    for (const auto& [source, selector] : from.items()) {
      if (selector.is_null()) continue;
      if (source == "fieldRef" && IsOfMetadata(Member(selector, "fieldPath"))) continue;
      refused_.Add(
          where + ".valueFrom." + Printable(source, 100),
          "only fieldRef with metadata.name, metadata.namespace, metadata.uid, metadata.labels['...'] "
          "and metadata.annotations['...'] is known here; give the value itself");
    }
  }

  batch::Problems& refused_;
  const size_t stages_;
  std::string stage_;                                        // empty: none, but the batch itself
  std::map<std::string, std::vector<std::string>> ignored_;  // field -> stages
};

}  // namespace

BatchCheck CheckBatch(const json& object, const batch::Batch& batch) {
  batch::Problems refused("ImageBatch");
  Checker checker(refused, batch.stages.size());
  const json& spec = Member(object, "spec");
  checker.CheckSpec(spec);
  for (size_t i = 0; i < batch.stages.size(); ++i) {
    const std::string where = "spec.stages[" + std::to_string(i) + "]";
    checker.CheckStage(Member(spec, "stages")[i], batch.stages[i], where);
  }
  return {refused.Take(), checker.Ignored()};
}

}  // namespace imagebatch::local
