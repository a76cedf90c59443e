#include "simulation/node.h"

#include "cluster/objects/names.h"
#include "contract/contract.h"

namespace imagebatch::simulation {

using nlohmann::json;
using Kind = ApiServer::Kind;

bool Finished(const json& job) {
  return job.contains("status") && job["status"].contains("conditions") &&
         !job["status"]["conditions"].empty();
}

Node::Node(ApiServer& api, std::mt19937& random, Schedule schedule, std::function<Time()> now,
           bool runner_ends_hung)
    : api_(api),
      random_(random),
      schedule_(std::move(schedule)),
      now_(std::move(now)),
      runner_ends_hung_(runner_ends_hung) {}

Duration Node::Between(int low_ms, int high_ms) {
  return Duration(std::uniform_int_distribution<int>(low_ms, high_ms)(random_));
}

json* Node::PodOf(const std::string& job) { return api_.Find(Kind::Pod, job + "-pod"); }

void Node::OnJob(const std::string& name) {
  schedule_(Between(10, 3000), [this, name] { StartPod(name); });
}

void Node::OnJobGone(const std::string& name) {
  const json* pod = PodOf(name);
  if (pod == nullptr) {
    stalled.erase(name);
    return;
  }
  if (!(*pod)["metadata"].contains("ownerReferences")) return;
  const json uid = (*pod)["metadata"]["uid"];
  schedule_(Between(1, 3000), [this, name, uid] {  // the garbage collector
    const json* found = PodOf(name);
    if (found != nullptr && (*found)["metadata"]["uid"] == uid) DeletePod(name);
  });
}

// A warning on a Job or a Pod, as `kubectl describe` shows it.
void Node::Tell(const json& object, const char* reason, const char* message) {
  api_.events[object["metadata"]["uid"]] = {
      {{"type", "Warning"}, {"reason", reason}, {"message", message}, {"lastTimestamp", FormatTime(now_())}}};
}

void Node::StartPod(const std::string& job) {
  const json* object = api_.Find(Kind::Job, job);
  if (object == nullptr) return;
  const int dice = std::uniform_int_distribution<int>(0, 99)(random_);
  const Hindrance hindrance = !misfortune || dice >= 16 ? Hindrance::None
                              : dice < 4                ? Hindrance::Quota
                              : dice < 8                ? Hindrance::NoNode
                              : dice < 12               ? Hindrance::NoImage
                                                        : Hindrance::NoVolume;
  if (hindrance != Hindrance::Quota) return CreatePod(job, hindrance);
  // One that others use up is no stall, one that can never be kept is
  const bool never = Between(0, 1) == Duration(1);
  if (never) stalled[job] = *ParseTime((*object)["metadata"]["creationTimestamp"].get<std::string>());
  Tell(*object, "FailedCreate",
       never
           ? "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0"
           : "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=9, limited: pods=9");
  schedule_(Between(20000, 300000), [this, job] {
    Move(job);
    CreatePod(job, Hindrance::None);
  });
}

Node::Fate Node::Draw() {
  const int dice = std::uniform_int_distribution<int>(0, 99)(random_);
  if (!misfortune || dice >= 14 + hang_percent) return Fate::Succeed;
  return dice < 8 ? Fate::Fail : dice < 10 ? Fate::OutOfMemory : dice < 14 ? Fate::Evict : Fate::Hang;
}

json Node::WaitingStatus(Hindrance hindrance) {
  json status = {{"phase", "Pending"}};
  if (hindrance == Hindrance::NoNode) {
    status["conditions"] = {{{"type", "PodScheduled"},
                             {"status", "False"},
                             {"reason", "Unschedulable"},
                             {"message", "0/1 nodes are available"}}};
  } else {
    const char* reason = hindrance == Hindrance::NoImage ? "ImagePullBackOff" : "PodInitializing";
    status["containerStatuses"] = {
        {{"name", "build"}, {"ready", false}, {"state", {{"waiting", {{"reason", reason}}}}}}};
  }
  return status;
}

void Node::CreatePod(const std::string& job, Hindrance hindrance) {
  const json* object = api_.Find(Kind::Job, job);
  if (object == nullptr || Finished(*object)) return;
  if (const json* old = PodOf(job)) {  // of an earlier Job of this name; names of real Pods never meet
    if ((*old)["metadata"]["labels"]["batch.kubernetes.io/controller-uid"] == (*object)["metadata"]["uid"])
      return;
    api_.Remove(Kind::Pod, job + "-pod");
  }
  json pod = (*object)["spec"]["template"];
  pod["metadata"]["name"] = job + "-pod";
  pod["metadata"]["namespace"] = (*object)["metadata"]["namespace"];
  pod["metadata"]["creationTimestamp"] = FormatTime(now_());
  pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] = job;
  pod["metadata"]["labels"]["batch.kubernetes.io/controller-uid"] = (*object)["metadata"]["uid"];
  pod["metadata"]["ownerReferences"] = {{{"apiVersion", "batch/v1"},
                                         {"kind", "Job"},
                                         {"name", job},
                                         {"uid", (*object)["metadata"]["uid"]},
                                         {"controller", true}}};
  if (hindrance != Hindrance::NoNode) pod["spec"]["nodeName"] = "node1";
  pod["status"] = WaitingStatus(hindrance);
  api_.Put(Kind::Pod, pod);
  const auto proceed = [this, job, fate = Draw()] { RunPod(job, fate); };
  if (hindrance == Hindrance::None) return schedule_(Between(100, 4000), proceed);
  stalled[job] = now_();
  if (hindrance == Hindrance::NoVolume) Tell(*PodOf(job), "FailedMount", "configmap \"x\" not found");
  // An image that never comes: where attempts may be ended, that is the only way out
  const bool never = hindrance == Hindrance::NoImage && runner_ends_hung_ && Between(0, 1) == Duration(1);
  if (!never) schedule_(Between(20000, 300000), proceed);
}

void Node::RunPod(const std::string& job, Fate fate) {
  json* pod = PodOf(job);
  if (pod == nullptr || (*pod)["status"]["phase"] != "Pending" ||
      (*pod)["metadata"].contains("deletionTimestamp"))
    return;
  Move(job);
  moved = now_();
  json running = *pod;
  running["spec"]["nodeName"] = "node1";
  const std::string start = FormatTime(now_());
  running["status"] = {
      {"phase", "Running"},
      {"conditions", {{{"type", "Ready"}, {"status", "False"}, {"lastTransitionTime", start}}}},
      {"containerStatuses",
       {{{"name", "build"}, {"ready", false}, {"state", {{"running", {{"startedAt", start}}}}}}}}};
  api_.Put(Kind::Pod, running);
  schedule_(Between(200, 2000), [this, job] { SetReady(job, true); });
  const Duration work = Between(3000, 40000);
  switch (fate) {
    case Fate::Succeed:
      schedule_(work, [this, job] {
        EndPod(job, 0, "Completed", {{"exitCode", 0}, {"verdict", "Progressing"}});
      });
      break;
    case Fate::Fail:
      schedule_(work, [this, job] {
        EndPod(job, 1, "Error", {{"exitCode", 1}, {"verdict", "Progressing"}});
      });
      break;
    case Fate::OutOfMemory:
      schedule_(work, [this, job] { EndPod(job, 0, "OOMKilled", json()); });
      break;
    case Fate::Hang:
      schedule_(work, [this, job] { HangPod(job); });
      break;
    case Fate::Evict:
      schedule_(work, [this, job] {
        json* found = PodOf(job);
        if (found == nullptr || (*found)["status"]["phase"] != "Running") return;
        json evicted = *found;
        evicted["status"]["reason"] = "Evicted";
        api_.Put(Kind::Pod, evicted);
        EndPod(job, 137, "Error", json());
      });
      break;
  }
}

void Node::SetReady(const std::string& job, bool ready) {
  json* pod = PodOf(job);
  if (pod == nullptr || (*pod)["status"]["phase"] != "Running") return;
  json changed = *pod;
  changed["status"]["containerStatuses"][0]["ready"] = ready;
  changed["status"]["conditions"] = {{{"type", "Ready"},
                                      {"status", ready ? "True" : "False"},
                                      {"lastTransitionTime", FormatTime(now_() + std::chrono::seconds(1))}}};
  api_.Put(Kind::Pod, changed);
}

void Node::HangPod(const std::string& job) {
  json* pod = PodOf(job);
  if (pod == nullptr || (*pod)["status"]["phase"] != "Running" ||
      (*pod)["metadata"].contains("deletionTimestamp"))
    return;
  const std::string name = job + "-pod";
  hanging[name] = now_();
  const std::string since = FormatTime(now_());
  // By hand, for the order of the keys is the runner's
  const auto say = [this, name, marker = MarkerOf(job)](const std::string& verdict, const std::string& rest) {
    const std::string text = "\",\"verdict\":\"" + verdict + "\"" + rest + "}";
    api_.Print(name, "{\"imagebatch\":\"line\",\"marker\":\"" + marker + text, now_());
    // The build prints what would turn that round, if it were believed
    api_.Print(name,
               "{\"imagebatch\":\"line\",\"marker\":\"" + std::string(verdict == "Hung" ? "" : "x") +
                   "\",\"verdict\":\"Progressing\"}",
               now_());
  };
  const std::string what = ",\"class\":\"Idle\",\"message\":\"nothing moves\",\"since\":\"" + since + "\"";
  // One in four is ended by its runner before anybody has seen it unready
  const bool at_once = runner_ends_hung_ && Between(0, 3) == Duration(0);
  if (at_once) hanging.erase(name);
  say("Hung", what);
  if (!at_once) SetReady(job, false);
  schedule_(at_once ? Between(1, 500) : Between(20000, 150000), [this, job, name, since, say] {
    hanging.erase(name);
    if (runner_ends_hung_) {
      EndPod(job, 124, "Error",
             {{"exitCode", 124},
              {"verdict", "Hung"},
              {"class", "Idle"},
              {"message", "nothing moves"},
              {"since", since}});
      return;
    }
    say("Progressing", "");
    SetReady(job, true);
    schedule_(Between(1000, 9000), [this, job] {
      EndPod(job, 0, "Completed", {{"exitCode", 0}, {"verdict", "Progressing"}});
    });
  });
}

/// What has kept it from starting is over.
void Node::Move(const std::string& job) {
  const auto at = stalled.find(job);
  if (at == stalled.end()) return;
  if (now_() >= at->second + may_stand) late_.insert(job);
  stalled.erase(at);
}

std::string Node::MarkerOf(const std::string& job) {
  for (const json& variable : (*PodOf(job))["spec"]["containers"][0]["env"]) {
    if (variable["name"] == contract::kMarkerVariable) return variable["value"];
  }
  return {};
}

void Node::EndPod(const std::string& job, int exit_code, const std::string& reason, json account) {
  json* pod = PodOf(job);
  if (pod == nullptr || (*pod)["status"]["phase"] != "Running") return;
  const bool good = exit_code == 0 && reason == "Completed";
  if (!account.is_null()) account["marker"] = MarkerOf(job);
  if (exit_code == 124) ended_hung.insert(job);
  hanging.erase(job + "-pod");
  stalled.erase(job);
  moved = now_();
  json ended = *pod;
  const std::string end = FormatTime(now_());
  ended["status"]["phase"] = good ? "Succeeded" : "Failed";
  ended["status"]["containerStatuses"][0]["ready"] = false;
  const json start = ended["status"]["containerStatuses"][0]["state"]["running"]["startedAt"];
  ended["status"]["containerStatuses"][0]["state"] = {
      {"terminated",
       {{"exitCode", exit_code},
        {"reason", reason},
        {"startedAt", start},
        {"finishedAt", end},
        {"message", account.is_null() ? "" : account.dump()}}}};
  api_.Put(Kind::Pod, ended);
  const json owner = ended["metadata"]["labels"]["batch.kubernetes.io/controller-uid"];
  schedule_(Between(1, 2000), [this, job, owner, good] { EndJob(job, owner, good); });
}

// The Job of this UID: its name may be another's by now.
void Node::EndJob(const std::string& job, const json& uid, bool complete) {
  json* object = api_.Find(Kind::Job, job);
  if (object == nullptr || (*object)["metadata"]["uid"] != uid) return;
  if (Finished(*object) || (*object)["metadata"].contains("deletionTimestamp")) return;
  moved = now_();
  json ended = *object;
  ended["status"]["conditions"] = {{{"type", complete ? "Complete" : "Failed"},
                                    {"status", "True"},
                                    {"reason", complete ? "CompletionsReached" : "BackoffLimitExceeded"},
                                    {"lastTransitionTime", FormatTime(now_())}}};
  if (complete) {
    completed.insert(job);
    const std::string build = ended["metadata"]["labels"][std::string(cluster::kBuildLabel)];
    succeeded.insert(build);
    pushed.insert(build);
    if (!late_.contains(job)) finished.insert(build);
  }
  api_.Put(Kind::Job, ended);
}

void Node::DeletePod(const std::string& job) {
  json* pod = PodOf(job);
  if (pod == nullptr) return;
  const std::string name = job + "-pod";
  hanging.erase(name);
  if ((*pod)["status"]["phase"] == "Succeeded" || (*pod)["status"]["phase"] == "Failed") {
    RemovePod(job);
    return;
  }
  if ((*pod)["metadata"].contains("deletionTimestamp")) return;
  const bool lingers = misfortune && Between(0, 4) == Duration(0);
  const Duration grace = Between(10, misfortune ? 30000 : 5000);  // what it takes of it
  json deleting = *pod;
  deleting["metadata"]["deletionTimestamp"] = FormatTime(now_() + grace);
  const json uid = deleting["metadata"]["uid"];
  api_.Put(Kind::Pod, deleting);
  stalled.erase(job);
  if (lingers) stalled[job] = now_() + grace;
  schedule_(grace + (lingers ? Between(20000, 300000) : Duration(0)), [this, job, uid] {
    const json* found = PodOf(job);
    if (found == nullptr || (*found)["metadata"]["uid"] != uid) return;
    stalled.erase(job);
    const json owner = (*found)["metadata"]["labels"]["batch.kubernetes.io/controller-uid"];
    EndPod(job, 143, "Error", json());
    RemovePod(job);
    schedule_(Between(1, 1000), [this, job, owner] { EndJob(job, owner, false); });
  });
}

// A Job that is deleted in the foreground goes after its Pod.
void Node::RemovePod(const std::string& job) {
  api_.Remove(Kind::Pod, job + "-pod");
  const json* object = api_.Find(Kind::Job, job);
  if (object != nullptr && (*object)["metadata"].contains("deletionTimestamp")) api_.Remove(Kind::Job, job);
}

void Node::DeleteJob(const std::string& job, const std::string& policy) {
  json* pod = PodOf(job);
  if (policy == "Orphan" && pod != nullptr) {
    json orphan = *pod;
    orphan["metadata"].erase("ownerReferences");
    api_.Put(Kind::Pod, std::move(orphan));
  }
  if (policy != "Foreground" || pod == nullptr)
    return api_.Remove(Kind::Job, job);  // OnJobGone does the rest
  json deleting = *api_.Find(Kind::Job, job);
  if (deleting["metadata"].contains("deletionTimestamp")) return;
  deleting["metadata"]["deletionTimestamp"] = FormatTime(now_());
  api_.Put(Kind::Job, std::move(deleting));
  schedule_(Between(1, 3000), [this, job] { DeletePod(job); });
}

}  // namespace imagebatch::simulation
