// What must never be broken, whatever happens; checked as things happen, and at the end.
#include <algorithm>

#include "cluster/evidence_store.h"
#include "cluster/names.h"
#include "simulation/simulation.h"

namespace imagebatch::simulation {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using Kind = ApiServer::Kind;

std::string ImageOf(const json& job) {
  return job["metadata"]["annotations"][std::string(cluster::kImageAnnotation)];
}

}  // namespace

void Simulation::CheckCreate(const json& job) {
  ++tally_.jobs;
  const std::string name = job["metadata"]["name"], image = ImageOf(job);
  const std::string build = job["metadata"]["labels"][std::string(cluster::kBuildLabel)];
  Say("create " + name + " for " + image);
  build_of_image_[image] = build;
  if (++creates_[name] > 1 && untraced_.erase(name) == 0) Break("a second Job for the attempt " + name);
  if (node_->succeeded.contains(build)) Break("a finished build is built again: " + image);
  for (const std::string& before : node_->ended_hung) {
    // Of a Job or a Pod that was deleted by hand there is nothing left to store
    if (before.starts_with(name.substr(0, name.rfind('-') + 1)) && !deleted_.contains(before) &&
        !HasEvidence(before))
      Break(name + " is created before the evidence of " + before + " is stored");
  }
  for (const std::string& need : needs_[image]) {
    if (!build_of_image_.contains(need) || !node_->succeeded.contains(build_of_image_[need])) {
      // A need whose Job was deleted by hand in the moment between its end and the storing of its result has
      // succeeded all the same
      if (untraced_.empty()) Break(image + " is built before " + need);
    }
  }
  int active = 1;
  for (const auto& [other, object] : api_->All(Kind::Job)) {
    if (Finished(object)) continue;
    ++active;
    if (object["metadata"]["labels"][std::string(cluster::kBuildLabel)] == build)
      Break("two Jobs of one build at once: " + image);
  }
  if (active > parallelism_) Break("more Jobs than parallelism allows");
}

// The controller itself ends a Job only when the batch's time is over, or where its build never ran.
void Simulation::CheckDelete(const json& job) {
  const json& spec = (*api_->Find(Kind::Batch, kBatch))["spec"];
  if (spec.contains("activeDeadlineSeconds")) return;
  ++tally_.ended;
  const std::string name = job["metadata"]["name"];
  Say("the controller deletes " + name);
  if (!IsStored(name)) Break("the Job " + name + " is deleted before its result is stored");
  if (!retry_hung_) Break("the Job " + name + " is deleted, and the action is Flag");
  const json* pod = api_->Find(Kind::Pod, name + "-pod");
  // It may have begun since it was looked at; deletions that fail for a while take time
  if (!faults_ && pod != nullptr && (*pod)["status"]["phase"] == "Running" && now_ > quiet_)
    Break("the Job " + name + " is deleted while its build runs");
}

void Simulation::CheckStatus(const json& batch) {
  if (!batch.contains("status") || !batch["status"].contains("total")) return;
  const json& status = batch["status"];
  int64_t sum = 0;
  for (const char* state : {"waiting", "queued", "pending", "running", "succeeded", "failed"})
    sum += status[state].get<int64_t>();
  if (sum != status["total"]) Break("the counts do not add up: " + status.dump());
  if (status["hung"] > status["running"].get<int64_t>() + status["pending"].get<int64_t>())
    Break("more builds hang or are held up than have a Job");
  if (status.contains("stages") && !status["stages"].empty()) {
    int64_t total = 0;
    for (const json& stage : status["stages"]) total += stage["total"].get<int64_t>();
    if (total != status["total"]) Break("the stages do not add up");
  }
}

void Simulation::CheckHangsAreShown() {
  for (const auto& [pod, since] : node_->hanging) {
    if (now_ < since + seconds(20) || shown_hung_.contains(pod)) continue;
    const json& status = (*api_->Find(Kind::Batch, kBatch))["status"];
    for (const json& hung : status["hungBuilds"]) {
      if (hung["pod"] == pod) shown_hung_.insert(pod);
    }
    if (!shown_hung_.contains(pod)) Break(pod + " has been hanging for 20 s and the status does not show it");
    ++tally_.hangs_seen;
  }
}

void Simulation::CheckEvidence() {
  size_t kept = 0;
  for (const auto& [name, object] : api_->All(Kind::ConfigMap)) {
    const json labels = object["metadata"].value("labels", json::object());
    if (!labels.contains(std::string(cluster::kEvidenceLabel))) continue;
    ++kept;
    evidence_.insert(
        cluster::JobName(kBatch, labels[std::string(cluster::kBuildLabel)].get<std::string>(),
                         std::stoi(labels[std::string(cluster::kAttemptLabel)].get<std::string>())));
  }
  if (kept > cluster::kKeptEvidence) Break(std::to_string(kept) + " ConfigMaps of evidence");
}

void Simulation::CheckStallsAreShown() {
  for (const auto& [job, since] : node_->stalled) {
    if (now_ < since + kPending + seconds(20) || shown_stalled_.contains({job, since})) continue;
    const json& labels = (*api_->Find(Kind::Job, job))["metadata"]["labels"];
    const json& status = (*api_->Find(Kind::Batch, kBatch))["status"];
    const auto is_it = [&](const json& hung) {
      return hung["stage"] == labels[std::string(cluster::kStageLabel)] &&
             std::to_string(hung["attempt"].get<int>()) == labels[std::string(cluster::kAttemptLabel)] &&
             ImageOf(*api_->Find(Kind::Job, job)).ends_with(":" + hung["name"].get<std::string>());
    };
    if (std::none_of(status["hungBuilds"].begin(), status["hungBuilds"].end(), is_it))
      Break(job + " has been held up for longer than it may and the status does not show it");
    shown_stalled_.insert({job, since});
    ++tally_.stalls_seen;
  }
}

std::vector<json> Simulation::StoredResults() const {
  std::vector<json> results;
  for (const auto& [name, object] : api_->All(Kind::ConfigMap)) {
    if (!name.starts_with(std::string(kBatch) + "-results-")) continue;
    std::string text = object["data"]["results.jsonl"];
    while (!text.empty()) {
      const size_t end = text.find('\n');
      results.push_back(json::parse(text.substr(0, end)));
      text = end == std::string::npos ? "" : text.substr(end + 1);
    }
  }
  return results;
}

bool Simulation::IsStored(const std::string& job) const {
  for (const json& result : StoredResults()) {
    if (result["job"] == job) return true;
  }
  return false;
}

void Simulation::CheckEnd() {
  const json& status = (*api_->Find(Kind::Batch, kBatch))["status"];
  std::map<std::string, int> lines;
  std::set<std::string> built;
  for (const json& result : StoredResults()) {
    if (++lines[result["job"]] > 1) Break("two results for " + result["job"].get<std::string>());
    for (const char* reason :
         {"PodNotCreated", "QuotaExceeded", "Unschedulable", "Terminating", "NodeLost"}) {
      if (result["reason"] == reason) Break("an attempt was ended for " + std::string(reason));
    }
    if (result["status"] == "built" && !built.insert(result["build"]).second)
      Break("a build has two successes in the results");
  }
  if (static_cast<int64_t>(built.size()) != status["succeeded"]) {
    Break("the status counts " + status["succeeded"].dump() + " successes, the results " +
          std::to_string(built.size()));
  }
  for (const json& result : StoredResults()) {
    if (result.value("cause", "") != "Hang" || deleted_.contains(result["job"].get<std::string>())) continue;
    ++tally_.hangs_ended;
    if (!HasEvidence(result["job"]))
      Break("no evidence was ever stored of " + result["job"].get<std::string>());
    const json* kept = api_->Find(Kind::ConfigMap, result.value("evidence_config_map", ""));
    if (kept != nullptr &&
        cluster::Sha256((*kept)["data"]["evidence.json"].get<std::string>()) != result["evidence_sha256"])
      Break("the digest in the results is not that of " + kept->dump());
    if (kept != nullptr && kept->dump().find("\"marker\"") != std::string::npos) Break("a marker was stored");
  }
  for (const auto& [name, job] : api_->All(Kind::Job)) {
    if (!Finished(job)) Break("the batch is finished and the Job " + name + " is not");
    if (!lines.contains(name)) Break("no result for the Job " + name);
  }
  if (status["failed"] == 0 && status["conditions"][0]["status"] != "True")
    Break("all builds succeeded and Complete is not true");
  if (status["failed"] != 0 && status["conditions"][1]["status"] != "True")
    Break("builds failed and Failed is not true");
}

}  // namespace imagebatch::simulation
