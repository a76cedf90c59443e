#include "batch/template_strings.h"

#include <algorithm>

#include "base/text.h"
#include "batch/pod_template.h"
#include "contract/contract.h"

namespace imagebatch::batch {
namespace {

using Visit = std::function<void(const TemplatePath&, std::string&)>;

void Walk(nlohmann::json& value, TemplatePath& path, const Visit& visit) {
  if (value.is_string()) {
    visit(path, value.get_ref<std::string&>());
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      path.push_back({"", i});
      Walk(value[i], path, visit);
      path.pop_back();
    }
  } else if (value.is_object()) {
    for (auto& [name, member] : value.get_ref<nlohmann::json::object_t&>()) {
      path.push_back({name, 0});
      Walk(member, path, visit);
      path.pop_back();
    }
  }
}

bool IsWord(std::string_view field) {
  return std::all_of(field.begin(), field.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

}  // namespace

std::string ToString(const TemplatePath& path) {
  std::string out;
  for (const Step& step : path) {
    if (step.field.empty()) {
      out += "[" + std::to_string(step.index) + "]";
    } else if (IsWord(step.field)) {
      out += (out.empty() ? "" : ".") + std::string(step.field);
    } else {
      out += "[" + Printable(step.field, 100) + "]";
    }
  }
  return out;
}

Dollars DollarsAt(const TemplatePath& path) {
  if (path.size() < 5 || path[0].field != "spec") return Dollars::Single;
  if (path[1].field != "containers" && path[1].field != "initContainers") return Dollars::Single;
  const std::string_view field = path[3].field;
  const bool kept =
      (path.size() == 5 && (field == "command" || field == "args")) ||
      (path.size() == 6 && field == "env" && path[5].field == "value") ||
      (path.size() == 6 && field == "volumeMounts" && path[5].field == "subPathExpr") ||
      (path.size() == 7 && field.ends_with("Probe") && path[4].field == "exec" && path[5].field == "command");
  return kept ? Dollars::Kept : Dollars::Single;
}

KubeletVariables::KubeletVariables(const nlohmann::json& pod_template) {
  const auto member = [](const nlohmann::json& value, const char* name) -> const nlohmann::json* {
    if (!value.is_object()) return nullptr;
    const auto found = value.find(name);
    return found == value.end() ? nullptr : &*found;
  };
  const nlohmann::json* spec = member(pod_template, "spec");
  for (const char* list : {"containers", "initContainers"}) {
    const nlohmann::json* containers = spec == nullptr ? nullptr : member(*spec, list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (size_t i = 0; i < containers->size(); ++i) {
      const nlohmann::json* env = member((*containers)[i], "env");
      if (env == nullptr || !env->is_array()) continue;
      auto& variables = containers_[{list, i}];
      for (size_t v = 0; v < env->size(); ++v) {
        const nlohmann::json* name = member((*env)[v], "name");
        if (name != nullptr && name->is_string() && *name != contract::kMarkerVariable) {
          variables.try_emplace(name->get<std::string>(), v);
        }
      }
    }
  }
}

bool KubeletVariables::Has(const TemplatePath& path, std::string_view name) const {
  if (DollarsAt(path) != Dollars::Kept) return false;
  const auto container = containers_.find({std::string(path[1].field), path[2].index});
  if (container == containers_.end()) return false;
  const auto variable = container->second.find(std::string(name));
  if (variable == container->second.end()) return false;
  return path[3].field != "env" || variable->second < path[4].index;
}

void ForEachString(nlohmann::json& pod_template, const Visit& visit) {
  TemplatePath path;
  Walk(pod_template, path, visit);
}

}  // namespace imagebatch::batch
