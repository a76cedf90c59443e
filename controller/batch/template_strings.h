#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "batch/references.h"

namespace imagebatch::batch {

/// One step into a JSON value: a field of an object or, where `field` is empty, an index of an array.
struct Step {
  std::string_view field;
  size_t index = 0;
};
using TemplatePath = std::vector<Step>;

/// `spec.containers[0].args[2]`; keys that are no plain words as `metadata.annotations[a.b/c]`.
std::string ToString(const TemplatePath& path);

/// What becomes of `$$` in a string of a Pod template. The kubelet itself expands, for every container,
/// command, args, env[].value, volumeMounts[].subPathExpr (kubernetes.io "Define Dependent Environment
/// Variables", pkg/kubelet/container/helpers.go) and the commands of exec probes (pkg/kubelet/prober).
Dollars DollarsAt(const TemplatePath& path);

/// Calls `visit` for every string value of a Pod template, in the order of its keys. Keys are not visited.
void ForEachString(nlohmann::json& pod_template,
                   const std::function<void(const TemplatePath&, std::string&)>& visit);

}  // namespace imagebatch::batch
