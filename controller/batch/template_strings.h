#pragma once
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
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

/// The references of a Pod template that are not ours to replace: in a field that the kubelet expands, a
/// $(NAME) of a variable in the env of the same container. It means there what it means in any Pod, whatever
/// the rows' columns are called, so that no row can take the place of what the template's author wrote.
class KubeletVariables {
 public:
  explicit KubeletVariables(const nlohmann::json& pod_template);

  /// True where the kubelet will know `name` in the string at `path`. In env[].value it knows the variables
  /// that stand before that one, elsewhere all. The runner's marker is kept out of its reach.
  bool Has(const TemplatePath& path, std::string_view name) const;

 private:
  // of a container, given as its list and its index there: the variables, with their first index in env
  std::map<std::pair<std::string, size_t>, std::unordered_map<std::string, size_t>> containers_;
};

/// Calls `visit` for every string value of a Pod template, in the order of its keys. Keys are not visited.
void ForEachString(nlohmann::json& pod_template,
                   const std::function<void(const TemplatePath&, std::string&)>& visit);

}  // namespace imagebatch::batch
