#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace imagebatch::local {

/// What an attempt runs on this machine, and how.
struct Command {
  std::vector<std::string> runner_flags;  // how to watch it, as in a Pod: thresholds, --grace, --on-hang
  std::vector<std::string> words;         // the command itself
  std::vector<std::pair<std::string, std::string>> env;  // beside what it inherits; each name once
  std::string directory;                                 // empty: the one that the batch is run in
  int64_t grace_seconds = 30;                            // from SIGTERM to SIGKILL
};

/// Where the runner of an attempt finds its things.
struct RunnerFiles {
  std::string program, state, result;
};

/// Of the Job of an attempt (cluster/objects/job_object.h), whose template CheckBatch has let pass. What
/// the kubelet replaces is replaced as it does that: $(NAME) of variables of the container, in env of those
/// before it, and $$ by $; what is unknown stays (k8s.io/kubernetes/third_party/forked/golang/expansion).
/// `uid` is what metadata.uid stands for; metadata.name is the Job's name. `marker`: the attempt's, for a Job
/// without a runner; others have theirs.
Command CommandOf(const nlohmann::json& job, const std::string& uid, const std::string& marker);

/// The whole of what is to be started.
std::vector<std::string> Words(const Command& command, const RunnerFiles& files);

/// `inherited` (NAME=value each) with the variables of the command in their place.
std::vector<std::string> Environment(const std::vector<std::string>& inherited, const Command& command);

}  // namespace imagebatch::local
