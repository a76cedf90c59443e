#include "local/command.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "batch/pod_template.h"
#include "batch/references.h"
#include "contract/contract.h"
#include "document/json_member.h"

namespace imagebatch::local {
namespace {

using nlohmann::json;
namespace flag = contract::flag;

using Variables = std::map<std::string, std::string, std::less<>>;

/// One pass of the kubelet.
std::string Expand(const std::string& text, const Variables& variables) {
  return batch::Substitute(text, batch::Dollars::Single,
                           [&](std::string_view name) -> std::optional<std::string_view> {
                             const auto found = variables.find(name);
                             if (found == variables.end()) return std::nullopt;
                             return found->second;
                           });
}

/// "metadata.labels['x']" of a Pod; as the downward API, empty where there is none.
std::string FieldOf(const json& job, const std::string& path, const std::string& uid) {
  const json& metadata = job["metadata"];
  if (path == "metadata.name") return document::StringMember(metadata, "name");
  if (path == "metadata.namespace") {
    const std::string ns = document::StringMember(metadata, "namespace");
    return ns.empty() ? "default" : ns;
  }
  if (path == "metadata.uid") return uid;
  const size_t open = path.find("['");
  if (open == std::string::npos || path.size() < open + 4) return "";
  const std::string field = path.substr(sizeof("metadata.") - 1, open - (sizeof("metadata.") - 1));
  const std::string key = path.substr(open + 2, path.size() - open - 4);
  const json& pod = job["spec"]["template"]["metadata"];
  return pod.contains(field) ? document::StringMember(pod[field], key.c_str()) : "";
}

void ReadVariables(const json& job, const json& container, const std::string& uid, Variables& known,
                   Command& command) {
  if (!container.contains("env")) return;
  for (const json& variable : container["env"]) {
    const std::string name = document::StringMember(variable, "name");
    std::string value = Expand(document::StringMember(variable, "value"), known);
    const json from = variable.value("valueFrom", json());
    if (from.is_object() && from.contains("fieldRef"))
      value = FieldOf(job, document::StringMember(from["fieldRef"], "fieldPath"), uid);
    known[name] = value;
    std::erase_if(command.env, [&](const auto& other) { return other.first == name; });
    command.env.emplace_back(name, std::move(value));
  }
}

/// Of the runner's flags in a Pod, those that say where things are there.
bool IsOfAPod(std::string_view name) {
  return name == flag::kListen || name == flag::kState || name == flag::kResult || name == flag::kResultBytes;
}

}  // namespace

Command CommandOf(const json& job, const std::string& uid, const std::string& marker) {
  Command command;
  const json& pod_template = job["spec"]["template"];
  const json& pod = pod_template["spec"];
  const json& container = pod["containers"][batch::BuildContainer(pod_template).value()];
  Variables variables;
  ReadVariables(job, container, uid, variables, command);

  std::vector<std::string> words;
  for (const char* list : {"command", "args"}) {
    if (!container.contains(list) || !container[list].is_array()) continue;
    for (const json& word : container[list])
      if (word.is_string()) words.push_back(Expand(word.get<std::string>(), variables));
  }
  auto first = words.begin();
  if (batch::HasRunner(pod_template)) {
    // What JobObject puts before the command: the program, flags with a value each, "--"
    const auto end = std::find(words.begin(), words.end(), "--");
    for (auto at = words.begin() + 1; at < end && at + 1 < end; at += 2) {
      if (!IsOfAPod(*at)) command.runner_flags.insert(command.runner_flags.end(), {*at, *(at + 1)});
    }
    first = end == words.end() ? end : end + 1;
  } else {
    // Nobody asked for it to be watched; the runner alone sees to it that nothing outlives the batch
    command.runner_flags = {flag::kDeadlockAfter, "0", flag::kIdleAfter, "0", flag::kSilentAfter, "0"};
    std::erase_if(command.env,
                  [](const auto& variable) { return variable.first == contract::kMarkerVariable; });
    command.env.emplace_back(contract::kMarkerVariable, marker);
  }
  command.words.assign(first, words.end());
  command.directory = document::StringMember(container, "workingDir");
  const auto grace = pod.find("terminationGracePeriodSeconds");
  if (grace != pod.end() && grace->is_number_integer())
    command.grace_seconds = std::max<int64_t>(grace->get<int64_t>(), 0);
  return command;
}

std::vector<std::string> Words(const Command& command, const RunnerFiles& files) {
  std::vector<std::string> words = {files.program, flag::kState, files.state, flag::kResult, files.result};
  words.insert(words.end(), command.runner_flags.begin(), command.runner_flags.end());
  words.emplace_back("--");
  words.insert(words.end(), command.words.begin(), command.words.end());
  return words;
}

std::vector<std::string> Environment(const std::vector<std::string>& inherited, const Command& command) {
  std::vector<std::string> all;
  for (const std::string& variable : inherited) {
    const std::string_view name = std::string_view(variable).substr(0, variable.find('='));
    const bool replaced = std::any_of(command.env.begin(), command.env.end(),
                                      [&](const auto& own) { return own.first == name; });
    if (!replaced) all.push_back(variable);
  }
  for (const auto& [name, value] : command.env) all.push_back(name + "=" + value);
  return all;
}

}  // namespace imagebatch::local
