#include "simulation/simulation.h"

#include <algorithm>
#include <iostream>

#include "cluster/objects/names.h"
#include "cluster/objects/parse.h"
#include "document/json_member.h"

namespace imagebatch::simulation {
namespace {

using cluster::Change;
using cluster::Collection;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Kind = ApiServer::Kind;

constexpr int kLongestFaults = 8;  // minutes
constexpr minutes kPatience(240);
// A run takes some hundreds.
constexpr uint64_t kMostRequests = 20000;

std::optional<Collection> CollectionOf(Kind kind) {
  switch (kind) {
    case Kind::Batch:
      return Collection::Batches;
    case Kind::Job:
      return Collection::Jobs;
    case Kind::Pod:
      return Collection::Pods;
    case Kind::ConfigMap:
    case Kind::Record:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

void Simulation::Tally::Add(const Tally& other) {
  events += other.events;
  requests += other.requests;
  lost_replies += other.lost_replies;
  kills += other.kills;
  relists += other.relists;
  deletions += other.deletions;
  hangs_seen += other.hangs_seen;
  hangs_ended += other.hangs_ended;
  stalls_seen += other.stalls_seen;
  ended += other.ended;
  jobs += other.jobs;
  strangers += other.strangers;
  rows_lost += other.rows_lost;
  skipped += other.skipped;
  blows += other.blows;
  reruns += other.reruns;
  shutdowns += other.shutdowns;
}

Simulation::Simulation(uint64_t seed, bool print)
    : random_(seed), print_(print), used_up_(seed % 3 == 0), skips_(seed % 4 == 1) {
  api_ = std::make_unique<ApiServer>(
      [this](Kind kind, Change change, const json& object) { OnWatch(kind, change, object); });
  api_->on_create_job = [this](const json& job) { CheckCreate(job); };
  api_->on_delete_job = [this](const json& job) { CheckDelete(job); };
  api_->delete_job = [this](const std::string& job, const std::string& policy) {
    node_->DeleteJob(job, policy);
  };
  api_->on_event = [this](const json& event) { CheckEvent(event); };
  many_hang_ = Pick(0, 7) == 0;
  retry_hung_ = many_hang_ || Pick(0, 1) == 1;
  node_ = std::make_unique<Node>(
      *api_, random_, [this](Duration after, Action action) { Schedule(after, std::move(action)); },
      [this] { return now_; }, retry_hung_);
  node_->may_stand = kPending;
  if (many_hang_) node_->hang_percent = 80;
  if (const int dice = Pick(0, 39); dice < 2)
    blow_ = dice == 0 ? Blow::NamespaceDeleted : Blow::KindDeletedAndBack;
  every_third_fails_ = Pick(0, 9) == 0;
  reruns_ = Pick(0, 1) == 1;
}

void Simulation::Break(const std::string& what) const { throw Violation{FormatTime(now_) + ": " + what}; }

void Simulation::Say(const std::string& what) const {
  if (print_)
    std::cout << FormatTime(now_) << "." << now_.time_since_epoch().count() % 1000 << " " << what << "\n";
}

json Simulation::MakeBatch() {
  parallelism_ = Pick(many_hang_ ? 4 : 1, 6);
  json rows = json::array();
  const int environments = Pick(1, 3), images = many_hang_ ? 15 : Pick(1, 9);
  for (int i = 0; i < images; ++i) {
    const std::string environment = "e" + std::to_string(Pick(1, environments));
    const std::string name = "row" + std::to_string(i);
    rows.push_back({{"name", name}, {"env", environment}});
    needs_["r.example/image:" + name] = {"r.example/env:" + environment};
  }
  const json pod = {
      {"spec", {{"containers", {{{"name", "build"}, {"image", "b"}, {"command", {"build", "$(image)"}}}}}}}};
  json spec = {
      {"parallelism", parallelism_},
      {"variables", json::object()},
      {"images", {{"rows", rows}}},
      {"stages",
       {{{"name", "env"}, {"key", "$(env)"}, {"image", "r.example/env:$(key)"}, {"template", pod}},
        {{"name", "image"}, {"needs", {"env"}}, {"image", "r.example/image:$(name)"}, {"template", pod}}}},
      {"backoffLimit", many_hang_ ? 3 : Pick(0, 3)},
      {"infrastructureRetryLimit", Pick(2, 8)},
      {"hang", {{"idleSeconds", 60}, {"action", retry_hung_ ? "Retry" : "Flag"}}},
      {"stall", {{"afterSeconds", kPending.count()}, {"action", retry_hung_ ? "Retry" : "Flag"}}}};
  if (skips_) {
    spec["existing"] = "Skip";
    for (const auto& [image, needs] : needs_) {
      if (Pick(0, 2) == 0) there_.insert(image);
      if (Pick(0, 2) == 0) there_.insert(needs.begin(), needs.end());
    }
  }
  if (Pick(0, 2) == 0) spec["firstBuilds"] = first_builds_ = Pick(1, 3);
  if (Pick(0, 4) == 0) spec["maxFailedBuilds"] = *(max_failed_ = Pick(0, 3));
  if (Pick(0, 2) == 0) spec["stages"][1]["parallelism"] = stage_parallelism_ = Pick(1, 3);
  if (Pick(0, 5) == 0) spec["activeDeadlineSeconds"] = Pick(30, 600);
  if (Pick(0, 1) == 1) {
    std::string lines;
    for (const json& row : rows) lines += row.dump() + "\n";
    api_->Put(Kind::ConfigMap,
              {{"metadata", {{"name", "rows"}, {"namespace", "ns"}}}, {"data", {{"rows.jsonl", lines}}}});
    spec["images"] = {{"configMaps", {{{"name", "rows"}, {"key", "rows.jsonl"}}}}};
    loses_rows_ = Pick(0, 2) == 0;
  }
  return {{"apiVersion", "imagebatch.dev/v1alpha1"},
          {"kind", "ImageBatch"},
          {"metadata", {{"name", kBatch}, {"namespace", "ns"}, {"generation", 1}}},
          {"spec", spec}};
}

void Simulation::Schedule(Duration after, Action action) {
  queue_.push({now_ + after, ++order_, std::move(action)});
}

// A change reaches the controller late, sometimes twice, or not at all: then the watch has broken and lists
// again.
void Simulation::OnWatch(Kind kind, Change change, const json& object) {
  if (kind == Kind::Job && change == Change::Upsert && !Finished(object) &&
      !object["metadata"].contains("deletionTimestamp"))
    node_->OnJob(object["metadata"]["name"]);
  if (kind == Kind::Job && change == Change::Gone) node_->OnJobGone(object["metadata"]["name"]);
  if (kind == Kind::Batch && change == Change::Upsert) CheckStatus(object);
  if (kind == Kind::Record && change == Change::Upsert) {
    CheckEvidence();
    NoteTooMany();
  }
  const auto collection = CollectionOf(kind);
  if (!collection) return;
  DeliverObject(kind, change, object);
}

void Simulation::DeliverObject(Kind kind, Change change, const json& object) {
  const Collection collection = *CollectionOf(kind);
  cluster::Event event;
  const std::string text = object.dump();
  if (kind == Kind::Batch) event = cluster::BatchSeen{change, object};
  if (kind == Kind::Job) event = cluster::JobSeen{change, *cluster::ParseJob(text)};
  if (kind == Kind::Pod) event = cluster::PodSeen{change, *cluster::ParsePod(text)};
  const Duration late =
      faults_ ? milliseconds(Chance(0.1) ? Pick(0, 8000) : Pick(0, 300)) : milliseconds(Pick(0, 50));
  Time& last = last_delivery_[collection];
  last = std::max(last, now_ + late);
  for (int times = Chance(0.05) ? 2 : 1; times > 0; --times) {
    queue_.push({last, ++order_, [this, event, collection, watch = watches_[collection]] {
                   if (watch == watches_[collection]) Deliver(event);
                 }});
  }
}

void Simulation::List(Collection collection) {
  ++tally_.relists;
  Say("list " + std::to_string(static_cast<int>(collection)));
  const Kind kind = collection == Collection::Batches ? Kind::Batch
                    : collection == Collection::Jobs  ? Kind::Job
                                                      : Kind::Pod;
  const Duration late = faults_ ? milliseconds(Pick(0, 2000)) : milliseconds(0);
  Time& last = last_delivery_[collection];
  last = std::max(last, now_ + late);
  const int watch = ++watches_[collection];  // what the watch before had not brought yet is lost
  const auto push = [&](cluster::Event event) {
    queue_.push({last, ++order_, [this, event = std::move(event), collection, watch] {
                   if (watch == watches_[collection]) Deliver(event);
                 }});
  };
  push(cluster::ListBegun{collection});
  for (const auto& [name, object] : api_->All(kind)) {
    const std::string text = object.dump();
    if (kind == Kind::Batch) push(cluster::BatchSeen{Change::Upsert, object});
    if (kind == Kind::Job) push(cluster::JobSeen{Change::Upsert, *cluster::ParseJob(text)});
    if (kind == Kind::Pod) push(cluster::PodSeen{Change::Upsert, *cluster::ParsePod(text)});
  }
  for (const auto& [stranger, object] : strangers_) {
    if (stranger != kind) continue;
    if (kind == Kind::Job) push(cluster::JobSeen{Change::Upsert, *cluster::ParseJob(object.dump())});
    if (kind == Kind::Pod) push(cluster::PodSeen{Change::Upsert, *cluster::ParsePod(object.dump())});
  }
  push(cluster::ListEnded{collection, api_->version()});
}

void Simulation::StartController() {
  ++incarnation_;
  last_delivery_.clear();
  told_.clear();
  NoteTold();
  reconciler_ = std::make_unique<cluster::Reconciler>(cluster::RunnerSource{"runner:1"},
                                                      "secret of process " + std::to_string(incarnation_));
  for (const Collection collection : {Collection::Batches, Collection::Jobs, Collection::Pods})
    List(collection);
}

// kill -9: what is on the wire lands or does not, and nobody hears of it.
void Simulation::KillController() {
  ++tally_.kills;
  Say("kill");
  reconciler_.reset();
  for (const auto& [id, request] : std::exchange(wire_, {})) {
    if (Pick(0, 1) == 1) api_->Handle(request, now_);
  }
  StartController();
}

void Simulation::Deliver(const cluster::Event& event) {
  ++tally_.events;
  reconciler_->Observe(event, Now());
  Step();
}

void Simulation::Step() {
  for (const cluster::Command& command : reconciler_->Step(Now())) Send(command);
  for (const registry::Question& question : reconciler_->TakeQuestions()) Ask(question);
}

// Also what a batch of the same name has pushed that is gone: its builds had other hashes.
bool Simulation::IsThere(const std::string& image) const {
  const auto build = build_of_image_.find(image);
  return there_.contains(image) || (build != build_of_image_.end() && node_->pushed.contains(build->second));
}

// A registry that is slow, throttles, denies or is away now and then, while there are faults.
void Simulation::Ask(const registry::Question& question) {
  using Of = registry::Answer::Kind;
  CheckQuestion(question.image);
  const int incarnation = incarnation_;
  Schedule(milliseconds(Chance(0.1) ? Pick(0, 20000) : Pick(1, 100)), [this, question, incarnation] {
    if (incarnation != incarnation_) return;
    registry::Answer answer;
    answer.kind = IsThere(question.image) ? Of::There : Of::NotThere;
    if (answer.kind == Of::There) answer.digest = "sha256:" + std::string(64, '0');
    if (Chance(0.2)) {
      answer = {Pick(0, 1) == 0 ? Of::Denied : Of::Unreachable, "", "a fault", {}};
      if (Pick(0, 2) == 0) answer = {Of::Throttled, "", "a fault", seconds(Pick(1, 60))};
    }
    if (answer.kind == Of::There) node_->moved = now_;
    Say("asked for " + question.image + ": " + std::to_string(static_cast<int>(answer.kind)));
    Deliver(cluster::Asked{question.id, answer});
  });
}

void Simulation::Send(const cluster::Command& command) {
  ++tally_.requests;
  if (tally_.requests > kMostRequests)
    Break("requests without end, the last of them " + command.request.path);
  wire_.emplace_back(command.id, command.request);
  const int incarnation = incarnation_;
  Schedule(milliseconds(faults_ && Chance(0.05) ? Pick(0, 20000) : Pick(1, 30)),
           [this, id = command.id, incarnation] {
             if (incarnation != incarnation_) return;
             const auto at = std::find_if(wire_.begin(), wire_.end(),
                                          [&](const auto& entry) { return entry.first == id; });
             const kube::Request request = at->second;
             wire_.erase(at);
             Answer(id, request);
           });
}

// What an API server answers that does not do what it is asked to.
std::optional<kube::Response> Simulation::Refuse(const kube::Request& request) {
  const auto status = [](int code, const char* reason, const char* message) {
    const json body = {{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}};
    return kube::Response{code, body.dump(), std::nullopt};
  };
  if (faults_ && every_third_fails_ && tally_.requests % 3 == 0) return status(500, "InternalError", "etcd");
  if (Chance(0.03)) return Pick(0, 1) == 0 ? status(429, "", "") : status(500, "", "");
  const bool on_jobs = request.path.find("/jobs") != std::string::npos;
  const bool creates_job = request.method == kube::Method::Post && request.path.ends_with("/jobs");
  if (faults_ && used_up_ && creates_job && now_.time_since_epoch() % minutes(3) < minutes(1))
    return status(403, "Forbidden", "exceeded quota: q");
  if (on_jobs && request.method == kube::Method::Post && Chance(0.1)) {
    switch (Pick(0, 2)) {
      case 0:
        return status(400, "BadRequest", "admission webhook \"x\" denied the request");
      case 1:
        return status(403, "Forbidden", "exceeded quota: q");
      default:
        return status(409, "Conflict", "Operation cannot be fulfilled on resourcequotas \"q\"");
    }
  }
  if (on_jobs && request.method == kube::Method::Delete && Chance(0.3))
    return status(403, "Forbidden", "admission webhook \"x\" protects it");
  return std::nullopt;
}

void Simulation::Answer(uint64_t id, const kube::Request& request) {
  Result<kube::Response> response = Fail("the connection was closed");
  const bool reaches = !Chance(0.03);
  if (reaches) {
    if (const auto refused = Refuse(request)) {
      response = *refused;
    } else {
      const bool write = request.method != kube::Method::Get;
      kube::Response whole = api_->Handle(request, now_);
      Say(request.path.substr(0, 110) + " -> " + std::to_string(whole.status));
      if (!Chance(0.04))
        response = std::move(whole);
      else
        ++tally_.lost_replies;
      if (write && Chance(0.02)) return KillController();
    }
  }
  const int incarnation = incarnation_;
  Schedule(milliseconds(Pick(1, 30)), [this, id, response = std::move(response), incarnation] {
    if (incarnation == incarnation_) Deliver(cluster::Replied{id, response});
  });
}

std::string Simulation::AnyJob() {
  const auto& jobs = api_->All(Kind::Job);
  if (jobs.empty()) return {};
  auto at = jobs.begin();
  std::advance(at, Pick(0, static_cast<int>(jobs.size()) - 1));
  return at->first;
}

// Somebody's hand, a watch that breaks, a controller that dies: every now and then while there are faults.
void Simulation::Chaos() {
  if (!faults_ || api_->Find(Kind::Batch, kBatch) == nullptr) return;
  const std::string job = AnyJob();
  if (blow_ != Blow::None && Pick(0, 5) == 0) DeleteEverything();
  if (loses_rows_ && Pick(0, 5) == 0) LoseRows();
  switch (Pick(0, 12)) {
    case 0:
      if (!job.empty()) DeleteAnyJob(job);
      break;
    case 1:
      if (job.empty()) break;
      Say("delete Pod of " + job);
      deleted_.insert(job);
      ++tally_.deletions;
      node_->DeletePod(job);
      break;
    case 2:
      KillController();
      break;
    case 3:
    case 4:
    case 5:
      List(static_cast<Collection>(Pick(0, 2)));
      break;
    case 6:
    case 7: {
      const bool suspend = !(*api_->Find(Kind::Batch, kBatch))["spec"].value("suspend", false);
      ChangeSpec({{"suspend", suspend}});
      break;
    }
    case 8:
      ShutDown();
      break;
    case 9: {  // all that failed, or one of those that the status lists, which may not be true any more
      if (!reruns_) break;
      const json status = api_->Find(Kind::Batch, kBatch)->value("status", json::object());
      json builds = json::array();
      for (const json& failed : status.value("failedBuilds", json::array())) {
        if (Pick(0, 3) == 0)
          builds.push_back(failed["stage"].get<std::string>() + "/" + failed["name"].get<std::string>());
      }
      RunAgain(builds);
      break;
    }
    default:
      if (!job.empty()) Forge(job);
      break;
  }
  Schedule(milliseconds(Pick(500, 25000)), [this] { Chaos(); });
}

void Simulation::ChangeSpec(const json& patch) {
  json batch = *api_->Find(Kind::Batch, kBatch);
  Say("change " + patch.dump());
  batch["spec"].merge_patch(patch);
  batch["metadata"]["generation"] = batch["metadata"]["generation"].get<int>() + 1;
  api_->Put(Kind::Batch, std::move(batch));
}

// Somebody ends the batch, and thinks better of it.
void Simulation::ShutDown() {
  if (stopped_since_) return;
  ++tally_.shutdowns;
  const bool terminate = Pick(0, 1) == 1;
  stopped_since_ = now_;
  terminated_ = terminated_ || terminate;
  ChangeSpec({{"shutdown", terminate ? "Terminate" : "Stop"}});
  Schedule(seconds(Pick(0, 3) == 0 ? Pick(600, 1500) : Pick(5, 120)), [this] {
    CheckStopped();
    stopped_since_.reset();
    if (api_->Find(Kind::Batch, kBatch) != nullptr) ChangeSpec({{"shutdown", nullptr}});
  });
}

// Somebody raises the round.
void Simulation::RunAgain(const json& builds) {
  const json rerun = (*api_->Find(Kind::Batch, kBatch))["spec"].value("rerun", json::object());
  ++tally_.reruns;
  ChangeSpec({{"rerun", {{"round", rerun.value("round", 0) + 1}, {"builds", builds}}}});
}

// A finished batch of which builds failed, in a world where all goes well but the controller: those that are
// to run again must succeed.
void Simulation::BringBack() {
  const json& status = (*api_->Find(Kind::Batch, kBatch))["status"];
  json builds = json::array();
  // Where too many have failed, some of them are not enough
  if (Pick(0, 1) == 1 && !status["failedBuilds"].empty() && !max_failed_) {
    const json& failed = status["failedBuilds"][0];
    only_ = failed["stage"].get<std::string>() + "/" + failed["name"].get<std::string>();
    builds.push_back(only_);
  }
  node_->misfortune = false;
  RunAgain(builds);
  for (int kills = Pick(0, 4); kills > 0; --kills)
    Schedule(milliseconds(Pick(0, 400)), [this] { KillController(); });
  RunUntilDone();
  const json& now = (*api_->Find(Kind::Batch, kBatch))["status"];
  if (only_.empty() && now["failed"] != 0) Break("all that failed were to run again: " + now.dump());
  for (const json& failed : now["failedBuilds"]) {
    if (only_ == failed["stage"].get<std::string>() + "/" + failed["name"].get<std::string>())
      Break(only_ + " was to run again: " + now.dump());
  }
}

bool Simulation::Done() const {
  if (api_->Find(Kind::Batch, kBatch) == nullptr) return api_->terminating;
  const json& batch = *api_->Find(Kind::Batch, kBatch);
  const json status = batch.value("status", json::object());
  if (faults_ || !status.is_object() || status.value("completionTime", json()).is_null()) return false;
  // Whatever the spec asks for now has been looked at
  if (stopped_since_ || status.value("observedGeneration", 0) < batch["metadata"]["generation"]) return false;
  const json rerun = batch["spec"].value("rerun", json::object());
  return rerun.value("round", 0) <= status.value("rerun", json::object()).value("round", 0);
}

// Somebody deletes the rows, or applies others than the batch has started with; and finds out, sooner or
// later.
void Simulation::LoseRows() {
  const json* batch = api_->Find(Kind::Batch, kBatch);
  const bool started = batch != nullptr && batch->value("status", json::object()).contains("startTime");
  const json rows = *api_->Find(Kind::ConfigMap, "rows");
  loses_rows_ = false;
  ++tally_.rows_lost;
  Say("the rows are lost");
  json others = rows;
  others["data"]["rows.jsonl"] = Pick(0, 1) == 0 ? "{\"name\": \"other\", \"env\": \"e1\"}" : "no rows";
  if (Pick(0, 1) == 0 || !started) {
    api_->Remove(Kind::ConfigMap, "rows");
  } else {
    api_->Put(Kind::ConfigMap, std::move(others));
  }
  Schedule(seconds(Pick(5, 900)), [this, rows, lost = now_] {
    loses_rows_ = true;
    const json* now = api_->Find(Kind::Batch, kBatch);
    const json status = now == nullptr ? json::object() : now->value("status", json::object());
    const auto begun = ParseTime(document::StringMember(status, "startTime"));
    if (begun && *begun > lost && api_->Find(Kind::ConfigMap, "rows") != nullptr) return;  // another batch
    Say("the rows are back");
    api_->Put(Kind::ConfigMap, rows);
  });
}

void Simulation::DeleteAnyJob(const std::string& job) {
  static constexpr const char* kPolicies[] = {"Background", "Foreground", "Orphan"};
  const std::string policy = kPolicies[Pick(0, 2)];
  Say("delete Job " + job + ", " + policy);
  deleted_.insert(job);
  ++tally_.deletions;
  if (!IsStored(job)) {
    untraced_.insert(job);
    const json& object = *api_->Find(Kind::Job, job);
    const std::string build = object["metadata"]["labels"][std::string(cluster::kBuildLabel)];
    node_->succeeded.erase(build);
    node_->finished.erase(build);
  }
  node_->DeleteJob(job, policy);
  // Whoever leaves an orphan takes it away in the end; it may be one that never starts
  if (policy == "Orphan") {
    Schedule(minutes(Pick(1, 15)), [this, job] {
      const json* pod = api_->Find(Kind::Pod, job + "-pod");
      if (pod != nullptr && !(*pod)["metadata"].contains("ownerReferences")) node_->DeletePod(job);
    });
  }
}

// The namespace goes, or the CustomResourceDefinition, and comes back with another batch of that name.
void Simulation::DeleteEverything() {
  if (api_->terminating || now_ >= quiet_) return;
  ++tally_.blows;
  Say("everything is deleted");
  const auto soon = [&](Action action) { Schedule(milliseconds(Pick(0, 20000)), std::move(action)); };
  for (const auto& [name, object] : api_->All(Kind::Record))
    soon([this, name = name] { api_->Remove(Kind::Record, name); });
  for (const auto& [name, object] : api_->All(Kind::Job)) {
    deleted_.insert(name);
    soon([this, name = name, build = object["metadata"]["labels"][std::string(cluster::kBuildLabel)]] {
      // Its result goes too, if it has one: until the batch is gone, a new process knows nothing of it
      untraced_.insert(name);
      node_->succeeded.erase(build.get<std::string>());
      node_->finished.erase(build.get<std::string>());
      node_->DeleteJob(name, "Background");
    });
  }
  soon([this] { api_->Remove(Kind::Batch, kBatch); });
  if (blow_ == Blow::NamespaceDeleted) {
    api_->terminating = true;
    return;
  }
  blow_ = Blow::None;
  stopped_since_.reset();
  too_many_since_.reset();
  Schedule(seconds(Pick(21, 60)), [this] {  // what was made after the deletion goes by its owner
    for (const Kind kind : {Kind::Record, Kind::Job}) {
      std::vector<std::string> names;
      for (const auto& [name, object] : api_->All(kind)) names.push_back(name);
      for (const std::string& name : names) {
        if (kind == Kind::Job) node_->DeleteJob(name, "Background");
        if (kind == Kind::Record) api_->Remove(kind, name);
      }
    }
    api_->Put(Kind::Batch, batch_);
    Schedule(seconds(1), [this] { Chaos(); });
  });
}

// Somebody copies a Job or a Pod, into another namespace or, under another name, into this one. Nothing that
// such an object shows may be believed.
void Simulation::Forge(const std::string& job) {
  const bool whole_job = Pick(0, 1) == 0;
  const Kind kind = whole_job ? Kind::Job : Kind::Pod;
  const json* original = whole_job ? api_->Find(Kind::Job, job) : api_->Find(Kind::Pod, job + "-pod");
  if (original == nullptr) return;
  json object = *original;
  json& metadata = object["metadata"];
  const std::string number = std::to_string(++forged_);
  metadata["uid"] = "forged-" + number;
  metadata["resourceVersion"] = api_->NextVersion();
  if (whole_job) {
    metadata["namespace"] = "other";
    if (Pick(0, 1) == 0) {  // the next attempt
      const int next = std::stoi(job.substr(job.rfind('-') + 1)) + 1;
      metadata["labels"][std::string(cluster::kAttemptLabel)] = std::to_string(next);
      metadata["name"] = job.substr(0, job.rfind('-') + 1) + std::to_string(next);
    }
    if (Pick(0, 2) > 0) {
      object["status"]["conditions"] = {{{"type", Pick(0, 1) == 0 ? "Complete" : "Failed"},
                                         {"status", "True"},
                                         {"reason", "Forged"},
                                         {"lastTransitionTime", FormatTime(now_)}}};
    }
  } else {
    if (Pick(0, 1) == 0) metadata["namespace"] = "other";
    metadata["name"] = "forged-" + number;
    metadata["creationTimestamp"] =
        FormatTime(now_ + seconds(1));  // of two Pods of a Job the younger one counts
    if (metadata.contains("ownerReferences"))
      metadata["ownerReferences"][0]["uid"] = "forged-owner-" + number;
    metadata["labels"]["batch.kubernetes.io/controller-uid"] = "forged-owner-" + number;
    const int exit_code = Pick(0, 1) == 0 ? 0 : 124;
    if (Pick(0, 1) == 0) {
      object["status"]["phase"] = exit_code == 0 ? "Succeeded" : "Failed";
      object["status"]["containerStatuses"] = {
          {{"name", "build"}, {"state", {{"terminated", {{"exitCode", exit_code}}}}}}};
    }
  }
  Say("forge " + metadata["namespace"].get<std::string>() + "/" + metadata["name"].get<std::string>());
  ++tally_.strangers;
  strangers_.emplace_back(kind, object);
  DeliverObject(kind, Change::Upsert, object);
  Schedule(milliseconds(Pick(1000, 120000)), [this, kind, object]() mutable {
    object["metadata"]["resourceVersion"] = api_->NextVersion();
    std::erase_if(strangers_, [&](const auto& stranger) {
      return stranger.second["metadata"]["uid"] == object["metadata"]["uid"];
    });
    DeliverObject(kind, Change::Gone, object);
  });
}

void Simulation::Run() {
  batch_ = MakeBatch();
  api_->Put(Kind::Batch, batch_);
  StartController();
  Schedule(seconds(Pick(0, 20)), [this] { Chaos(); });
  quiet_ = now_ + minutes(Pick(0, kLongestFaults)) + minutes(1);
  RunUntilDone();
  if (api_->terminating) return CheckQuiet();
  CheckBudgets();
  const json& batch = *api_->Find(Kind::Batch, kBatch);
  if (batch["status"]["failed"] != 0 && !batch["spec"].contains("activeDeadlineSeconds") && Pick(0, 1) == 1)
    BringBack();
  // What is finished stays so: nothing is started any more, and what is to be deleted goes
  const uint64_t jobs = tally_.jobs;
  const Time end = now_ + minutes(30);
  while (now_ < end && Advance()) continue;
  if (tally_.jobs != jobs || !Done()) Break("a finished batch went on");
  CheckEnd();
}

void Simulation::RunUntilDone() {
  const Time begin = now_, calm = quiet_ - minutes(1);
  while (!Done()) {
    if (faults_ && now_ >= calm && api_->Find(Kind::Batch, kBatch) != nullptr) {
      faults_ = false;
      if ((*api_->Find(Kind::Batch, kBatch))["spec"].value("suspend", false))
        ChangeSpec({{"suspend", false}});
    }
    if (now_ > begin + kPatience) {
      Break("the batch is not finished " + std::to_string(kPatience.count()) +
            " min after its start: " + (*api_->Find(Kind::Batch, kBatch))["status"].dump());
    }
    if (!Advance()) {
      Break("nothing is going to happen any more, and the batch is not finished: " +
            api_->Find(Kind::Batch, kBatch)->dump());
    }
    if (!faults_ && now_ > calm + seconds(30)) {
      CheckHangsAreShown();
      CheckStallsAreShown();
    }
  }
}

// Lets the next thing happen: something in the cluster, or a timer of the controller. False: there is none.
bool Simulation::Advance() {
  const auto next = reconciler_->Next();
  // Whole milliseconds, the first one at which the timer is due
  const auto due = [&] { return std::chrono::ceil<milliseconds>(next->time_since_epoch()); };
  const Time timer = next ? std::max(now_, Time(due())) : Time::max();
  if (!queue_.empty() && queue_.top().at <= timer) {
    const Timed timed = queue_.top();
    queue_.pop();
    now_ = std::max(now_, timed.at);
    timed.action();
    return true;
  }
  if (!next) return false;
  now_ = timer;
  Step();
  const auto again = reconciler_->Next();
  if (again && std::chrono::ceil<milliseconds>(again->time_since_epoch()) <= now_.time_since_epoch())
    Break("a step is due again at once, without an event");
  return true;
}

}  // namespace imagebatch::simulation
