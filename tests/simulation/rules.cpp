// What must never be broken, whatever happens; checked as things happen, and at the end.
#include <algorithm>

#include "cluster/objects/names.h"
#include "cluster/store/evidence_store.h"
#include "cluster/watch/stall.h"
#include "simulation/simulation.h"

namespace imagebatch::simulation {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using Kind = ApiServer::Kind;

constexpr const char* kSkipped = "skipped_remote_exists";

std::string ImageOf(const json& job) {
  return job["metadata"]["annotations"][std::string(cluster::kImageAnnotation)];
}

/// How the Event of a verdict in the status begins.
std::string Verdict(const json& flagged, bool stalled) {
  return "build " + flagged["name"].get<std::string>() + " of stage " + flagged["stage"].get<std::string>() +
         (stalled ? " is stalled (" : " hangs (") + flagged["class"].get<std::string>();
}

/// Each build that the status lists as hung or stalled, with how the Event of its verdict begins.
std::vector<std::pair<std::string, json>> Flagged(const json& status) {
  std::vector<std::pair<std::string, json>> flagged;
  for (const json& hung : status.value("hungBuilds", json::array()))
    flagged.emplace_back(Verdict(hung, false), hung);
  for (const json& stalled : status.value("stalledBuilds", json::array()))
    flagged.emplace_back(Verdict(stalled, true), stalled);
  return flagged;
}

std::string BuildOf(const json& object) {
  return object["metadata"]["labels"][std::string(cluster::kBuildLabel)];
}

}  // namespace

// What was skipped is known by its result.
void Simulation::CheckQuestion(const std::string& image) const {
  if (!skips_) Break("a registry is asked unasked for " + image);
  for (const json& result : StoredResults()) {
    if (tally_.blows == 0 && result["status"] == kSkipped && result["tags"][0] == image)
      Break(image + " is asked for after it was skipped");
  }
}

void Simulation::CheckCreate(const json& job) {
  ++tally_.jobs;
  node_->moved = now_;
  const std::string name = job["metadata"]["name"], image = ImageOf(job);
  const std::string build = job["metadata"]["labels"][std::string(cluster::kBuildLabel)];
  Say("create " + name + " for " + image);
  build_of_image_[image] = build;
  if (there_.contains(image)) Break("an image is built that is there: " + image);
  if (++creates_[name] > 1 && untraced_.erase(name) == 0) Break("a second Job for the attempt " + name);
  if (node_->finished.contains(build) && !terminated_) Break("a finished build is built again: " + image);
  CheckRound(job);
  for (const std::string& before : node_->ended_hung) {
    // Of a Job or a Pod that was deleted by hand there is nothing left to store
    if (before.starts_with(name.substr(0, name.rfind('-') + 1)) && !deleted_.contains(before) &&
        !terminated_ && !HasEvidence(before))
      Break(name + " is created before the evidence of " + before + " is stored");
  }
  for (const std::string& need : needs_[image]) {
    if (there_.contains(need)) continue;
    if (!build_of_image_.contains(need) || !node_->succeeded.contains(build_of_image_[need])) {
      // A need whose Job was deleted by hand in the moment between its end and the storing of its result has
      // succeeded all the same
      if (untraced_.empty()) Break(image + " is built before " + need);
    }
  }
  std::set<std::string> active{name};
  const auto is_of_another_batch = [&](const json& object) {
    const std::string key(cluster::kBatchUidLabel);
    return object["metadata"]["labels"][key] != job["metadata"]["labels"][key];
  };
  for (const auto& [other, object] : api_->All(Kind::Job)) {
    if (Finished(object) || is_of_another_batch(object)) continue;
    active.insert(other);
    if (BuildOf(object) == build) Break("two Jobs of one build at once: " + image);
  }
  for (const auto& [other, object] : api_->All(Kind::Pod)) {
    const std::string phase = object["status"]["phase"];
    if (phase == "Succeeded" || phase == "Failed" || is_of_another_batch(object)) continue;
    active.insert(object["metadata"]["labels"]["batch.kubernetes.io/job-name"]);
    if (BuildOf(object) == build) Break("two Pods of one build at once: " + name + " beside " + other);
  }
  if (static_cast<int>(active.size()) > parallelism_) Break("more Jobs than parallelism allows");
  CheckLimits(job, active);
}

// `active`: Jobs that may run, this one included. What the controller has seen of failures and successes is
// never more than what has happened, so the limits that depend on them are checked on the safe side; where
// builds run again, it does not count what they were before.
void Simulation::CheckLimits(const json& job, const std::set<std::string>& active) {
  constexpr seconds kLate(45);  // a change that is seen late, and a request that is
  const json& spec = (*api_->Find(Kind::Batch, kBatch))["spec"];  // of another batch, where all was deleted
  if (spec.contains("shutdown") && stopped_since_ && now_ > *stopped_since_ + kLate)
    Break("a Job is created though the batch is shut down");
  NoteTooMany();  // the spec may have changed since
  if (too_many_since_ && now_ > *too_many_since_ + kLate)
    Break("a Job is created though too many have failed");
  const auto is_image = [](const json& object) {
    return object["metadata"]["labels"][std::string(cluster::kStageLabel)] == "image";
  };
  std::set<std::string> images, begun;
  for (const auto& [name, object] : api_->All(Kind::Job)) {
    if (active.contains(name) && is_image(object)) images.insert(name);
    const json* pod = api_->Find(Kind::Pod, name + "-pod");
    const bool failed = pod != nullptr && (*pod)["status"]["phase"] == "Failed";  // its Job may say so later
    if ((active.contains(name) && !failed) || node_->succeeded.contains(BuildOf(object)))
      begun.insert(BuildOf(object));
  }
  for (const auto& [name, object] : api_->All(Kind::Pod)) {
    const std::string of = object["metadata"]["labels"]["batch.kubernetes.io/job-name"];
    if (active.contains(of) && is_image(object)) images.insert(of);
  }
  if (is_image(job)) images.insert(job["metadata"]["name"].get<std::string>());
  begun.insert(BuildOf(job));
  if (stage_parallelism_ > 0 && static_cast<int>(images.size()) > stage_parallelism_)
    Break("more Jobs of the stage image than its parallelism allows");
  const bool again = spec.contains("rerun");
  // What was terminated may succeed on the node all the same
  if (!again && !terminated_ && untraced_.empty() &&
      static_cast<int>(node_->succeeded.size()) < first_builds_ &&
      static_cast<int>(begun.size()) > first_builds_)
    Break("the rest starts before the first builds have succeeded");
}

// What is shut down is finished once nothing runs any more; what was not begun fails with it.
void Simulation::CheckStopped() const {
  constexpr seconds kLong(300);
  const json* batch = api_->Find(Kind::Batch, kBatch);
  if (batch == nullptr || !(*batch)["spec"].contains("shutdown") || tally_.rows_lost > 0) return;
  if (faults_ || now_ < quiet_ + kLong || now_ < *stopped_since_ + kLong) return;
  const auto runs = [](const auto& job) { return !Finished(job.second); };
  const auto& jobs = api_->All(Kind::Job);
  if (std::any_of(jobs.begin(), jobs.end(), runs)) return;
  for (const auto& [name, pod] : api_->All(Kind::Pod)) {
    if (pod["status"]["phase"] != "Succeeded" && pod["status"]["phase"] != "Failed") return;
  }
  if ((*batch)["status"].value("completionTime", json()).is_null())
    Break("the batch is shut down, nothing runs, and it is not finished: " + (*batch)["status"].dump());
}

// By the results that are stored, which the controller knows. Where builds run again, those before count no
// more.
void Simulation::NoteTooMany() {
  const json* batch = api_->Find(Kind::Batch, kBatch);
  if (batch == nullptr || !max_failed_ || (*batch)["spec"].contains("rerun")) return too_many_since_.reset();
  std::map<std::string, std::pair<int, int>> failures;
  int failed = 0;
  for (const json& result : StoredResults()) {
    const std::string cause = result.value("cause", "");
    auto& [by_itself, by_others] = failures[result["build"]];
    if (cause == "Infrastructure") ++by_others;
    if (cause == "Build" || cause == "Hang") ++by_itself;
  }
  for (const auto& [build, causes] : failures) {
    const auto& [by_itself, by_others] = causes;
    const bool done = by_itself > (*batch)["spec"]["backoffLimit"] ||
                      by_others > (*batch)["spec"]["infrastructureRetryLimit"];
    failed += done ? 1 : 0;
  }
  if (failed <= *max_failed_) return too_many_since_.reset();
  if (!too_many_since_) too_many_since_ = now_;
}

// What runs again is in the status before it runs, and nothing else runs.
void Simulation::CheckRound(const json& job) {
  const json& labels = job["metadata"]["labels"];
  const json status = api_->Find(Kind::Batch, kBatch)->value("status", json::object());
  const int told = status.value("rerun", json::object()).value("round", 0);
  if (std::stoi(labels.value(std::string(cluster::kRoundLabel), "0")) > told)
    Break("a build runs again in a round that the status does not tell: " + job["metadata"].dump());
  const std::string name =
      labels[std::string(cluster::kStageLabel)].get<std::string>() + "/" +
      job["metadata"]["annotations"][std::string(cluster::kNameAnnotation)].get<std::string>();
  if (!only_.empty() && name != only_ && labels[std::string(cluster::kAttemptLabel)] != "1")
    Break(name + " runs again, and only " + only_ + " was to");
}

// The controller itself ends a Job only when the batch's time is over, or where its build never ran.
void Simulation::CheckDelete(const json& job) {
  const json* batch = api_->Find(Kind::Batch, kBatch);
  if (batch == nullptr || api_->terminating) return;
  const json& spec = (*batch)["spec"];
  if (spec.contains("activeDeadlineSeconds") || terminated_) return;
  ++tally_.ended;
  const std::string name = job["metadata"]["name"];
  Say("the controller deletes " + name);
  if (!IsStored(name)) Break("the Job " + name + " is deleted before its result is stored");
  if (!retry_hung_) Break("the Job " + name + " is deleted, and the action is Flag");
  const json* pod = api_->Find(Kind::Pod, name + "-pod");
  // It may have begun since it was looked at; deletions that fail for a while take time
  if (faults_ || pod == nullptr || (*pod)["status"]["phase"] != "Running" || now_ <= quiet_) return;
  const json& running = (*pod)["status"]["containerStatuses"][0]["state"]["running"];
  if (*ParseTime(running["startedAt"].get<std::string>()) + seconds(2) < now_)
    Break("the Job " + name + " is deleted while its build runs");
}

void Simulation::CheckStatus(const json& batch) {
  if (!batch.contains("status") || !batch["status"].contains("total")) return;
  const json& status = batch["status"];
  int64_t sum = 0;
  for (const char* state :
       {"waiting", "queued", "held", "pending", "running", "succeeded", "skipped", "failed"})
    sum += status[state].get<int64_t>();
  if (sum != status["total"]) Break("the counts do not add up: " + status.dump());
  if (status["hung"].get<int64_t>() + status["stalled"].get<int64_t>() > status["total"])
    Break("more builds hang or are stalled than there are");
  if (status.contains("lastProgressTime") && !status["lastProgressTime"].is_null() &&
      *ParseTime(status["lastProgressTime"].get<std::string>()) > node_->moved)
    Break("progress is told at " + status["lastProgressTime"].get<std::string>() +
          ", and nothing has moved since " + FormatTime(node_->moved));
  NoteShownStalls(status);
  for (const json& hung : status.value("hungBuilds", json::array())) shown_hung_.insert(hung["pod"]);
  tally_.hangs_seen = shown_hung_.size();
  std::set<std::string> shown;
  for (const auto& [verdict, build] : Flagged(status)) shown.insert(verdict);
  std::erase_if(told_, [&](const std::string& verdict) { return !shown.contains(verdict); });
  if (status.contains("stages") && !status["stages"].empty()) {
    int64_t total = 0;
    for (const json& stage : status["stages"]) total += stage["total"].get<int64_t>();
    if (total != status["total"]) Break("the stages do not add up");
  }
}

// A new process finds the verdicts again that its predecessor has told.
void Simulation::NoteTold() {
  const json* batch = api_->Find(Kind::Batch, kBatch);
  const json status = batch == nullptr ? json::object() : batch->value("status", json::object());
  for (const auto& [verdict, build] : Flagged(status)) told_.insert(verdict);
}

// Its Pod is the same; of the next attempt the same is news.
bool Simulation::Stands(const std::string& verdict) const {
  const json& status = (*api_->Find(Kind::Batch, kBatch))["status"];
  for (const auto& [shown, build] : Flagged(status)) {
    if (shown != verdict) continue;
    const json* pod = api_->Find(Kind::Pod, build["pod"]);
    return build["pod"].get<std::string>().empty() ||
           (pod != nullptr && (*pod)["status"]["phase"] != "Failed" &&
            (*pod)["status"]["phase"] != "Succeeded");
  }
  return false;
}

void Simulation::CheckEvent(const json& event) {
  const std::string reason = event["reason"], message = event["message"];
  if (reason != "BuildHung" && reason != "BuildStalled") return;
  for (const std::string& verdict : told_) {
    if (message.starts_with(verdict) && Stands(verdict)) Break("told again after a restart: " + message);
  }
}

void Simulation::CheckHangsAreShown() {
  for (const auto& [pod, since] : node_->hanging) {
    if (now_ < since + seconds(20) || shown_hung_.contains(pod)) continue;
    Break(pod + " has been hanging for 20 s and the status does not show it");
  }
}

void Simulation::CheckEvidence() {
  size_t kept = 0;
  for (const auto& [name, object] : api_->All(Kind::Record)) {
    if (object["type"] != "Evidence") continue;
    const json& labels = object["metadata"]["labels"];
    ++kept;
    evidence_.insert(
        cluster::JobName(kBatch, labels[std::string(cluster::kBuildLabel)].get<std::string>(),
                         std::stoi(labels[std::string(cluster::kAttemptLabel)].get<std::string>())));
  }
  if (kept > cluster::kKeptEvidence) Break(std::to_string(kept) + " records of evidence");
}

/// Whether the status says of the attempt that it is stalled.
bool Simulation::IsShown(const std::string& job, const json& status) const {
  const json* object = api_->Find(Kind::Job, job);
  if (object == nullptr) object = api_->Find(Kind::Pod, job + "-pod");
  if (object == nullptr) return false;
  const json& labels = (*object)["metadata"]["labels"];
  const json stalled = status.value("stalledBuilds", json::array());
  return std::any_of(stalled.begin(), stalled.end(), [&](const json& build) {
    return build["stage"] == labels[std::string(cluster::kStageLabel)] &&
           std::to_string(build["attempt"].get<int>()) == labels[std::string(cluster::kAttemptLabel)] &&
           ImageOf(*object).ends_with(":" + build["name"].get<std::string>());
  });
}

// An attempt that has been ended is shown no more, though its Pod may stand for a while.
void Simulation::NoteShownStalls(const json& status) {
  for (const auto& stalled : node_->stalled) {
    if (IsShown(stalled.first, status)) shown_stalled_.insert(stalled);
  }
}

void Simulation::CheckStallsAreShown() {
  const json* batch = api_->Find(Kind::Batch, kBatch);  // nothing where it was deleted
  for (const auto& [job, since] : node_->stalled) {
    if (now_ < since + kPending + seconds(20) || shown_stalled_.contains({job, since})) continue;
    const json* object = api_->Find(Kind::Job, job);
    if (object == nullptr) object = api_->Find(Kind::Pod, job + "-pod");
    const json& owner = (*object)["metadata"]["labels"][std::string(cluster::kBatchUidLabel)];
    if (batch == nullptr || owner != (*batch)["metadata"]["uid"]) continue;
    Break(job + " has been stalled for longer than it may and the status does not show it");
  }
  tally_.stalls_seen = shown_stalled_.size();
}

std::vector<json> Simulation::StoredResults() const {
  std::vector<json> results;
  for (const auto& [name, object] : api_->All(Kind::Record)) {
    if (object["type"] != "Results") continue;
    for (const json& result : object["results"]) results.push_back(result);
  }
  return results;
}

bool Simulation::IsStored(const std::string& job) const {
  for (const json& result : StoredResults()) {
    if (result.value("job", "") == job) return true;
  }
  return false;
}

// Of a batch that is gone nothing is left to do.
void Simulation::CheckQuiet() {
  faults_ = false;
  const Time end = now_ + std::chrono::minutes(10);
  while (now_ < end && Advance()) continue;
  const uint64_t requests = tally_.requests;
  const Time later = now_ + std::chrono::minutes(30);
  while (now_ < later && Advance()) continue;
  if (tally_.requests != requests || reconciler_->Next()) Break("a batch that is gone goes on");
}

// A build that failed was tried as often as it may be in its last round, and none is tried more often.
void Simulation::CheckBudgets() {
  const json& batch = *api_->Find(Kind::Batch, kBatch);
  if (batch["spec"].contains("activeDeadlineSeconds") || !untraced_.empty()) return;
  const int64_t by_itself = batch["spec"]["backoffLimit"], all = batch["spec"]["infrastructureRetryLimit"];
  const int64_t last = batch["status"].value("rerun", json::object()).value("allRound", 0);
  struct Tries {
    int64_t by_itself = 0, by_others = 0;
  };
  std::map<std::string, std::map<int64_t, Tries>> rounds;  // by build
  std::set<std::string> left_out;                          // what is not known well
  for (const json& result : StoredResults()) {
    if (result["status"] == kSkipped) continue;  // without an attempt
    const std::string build = result["build"];
    if (result["status"] == "built" || deleted_.contains(result["job"].get<std::string>()))
      left_out.insert(build);
    Tries& tries = rounds[build][result.value("round", int64_t{0})];
    ++(result.value("cause", "") == "Infrastructure" ? tries.by_others : tries.by_itself);
  }
  for (const auto& [build, by_round] : rounds) {
    if (left_out.contains(build)) continue;
    const auto& [round, tries] = *by_round.rbegin();
    const std::string told = "build " + build + " in round " + std::to_string(round) + ": failed by itself " +
                             std::to_string(tries.by_itself) + " times, otherwise " +
                             std::to_string(tries.by_others) + " times";
    if (round < last) Break("it was to run again: " + told);
    const bool stopped = batch["status"]["conditions"][1]["reason"] == "MaxFailedBuildsExceeded";
    if (tries.by_itself <= by_itself && tries.by_others <= all && !stopped)
      Break("it was given up too early: " + told);
    if (tries.by_itself > by_itself + 1 || tries.by_others > all + 1)
      Break("it was tried too often: " + told);
  }
}

void Simulation::CheckEnd() {
  const json& status = (*api_->Find(Kind::Batch, kBatch))["status"];
  std::map<std::string, int> lines;
  std::set<std::string> built, skipped;
  for (const json& result : StoredResults()) {
    if (result["status"] == kSkipped) {
      if (!IsThere(result["tags"][0])) Break("skipped, and not there: " + result.dump());
      if (!skipped.insert(result["build"]).second) Break("two results of a skipped build: " + result.dump());
      if (result["finished_at"] > status["lastProgressTime"])
        Break("no progress is told of " + result.dump());
      continue;
    }
    if (++lines[result["job"]] > 1) Break("two results for " + result["job"].get<std::string>());
    for (const char* reason : {"JobRejected", "JobNameTaken", "PodNotCreated", "QuotaExceeded",
                               "Unschedulable", "Terminating", "NodeLost"}) {
      if (result["reason"] == reason) Break("an attempt was ended for " + std::string(reason));
    }
    if (result["status"] != "built") continue;
    if (!built.insert(result["build"]).second) Break("a build has two successes in the results");
    if (!node_->completed.contains(result["job"]))
      Break("built by a Job that never was complete: " + result.dump());
    if (result["finished_at"] > status["lastProgressTime"]) Break("no progress is told of " + result.dump());
  }
  if (static_cast<int64_t>(built.size()) != status["succeeded"]) {
    Break("the status counts " + status["succeeded"].dump() + " successes, the results " +
          std::to_string(built.size()));
  }
  if (static_cast<int64_t>(skipped.size()) != status["skipped"]) {
    Break("the status counts " + status["skipped"].dump() + " skipped builds, the results " +
          std::to_string(skipped.size()));
  }
  tally_.skipped = skipped.size();
  for (const json& result : StoredResults()) {
    if (result.value("cause", "") != "Hang" || deleted_.contains(result["job"].get<std::string>())) continue;
    ++tally_.hangs_ended;
    if (!HasEvidence(result["job"]))
      Break("no evidence was ever stored of " + result["job"].get<std::string>());
    const json* kept = api_->Find(Kind::Record, result.value("evidence_record", ""));
    if (kept != nullptr &&
        cluster::Sha256((*kept)["evidence"].get<std::string>()) != result["evidence_sha256"])
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
