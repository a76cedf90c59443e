#include "simulation/simulation.h"

#include <algorithm>
#include <iostream>

#include "cluster/names.h"
#include "cluster/parse.h"

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

std::optional<Collection> CollectionOf(Kind kind) {
  switch (kind) {
    case Kind::Batch:
      return Collection::Batches;
    case Kind::Job:
      return Collection::Jobs;
    case Kind::Pod:
      return Collection::Pods;
    case Kind::ConfigMap:
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
}

Simulation::Simulation(uint64_t seed, bool print) : random_(seed), print_(print) {
  api_ = std::make_unique<ApiServer>(
      [this](Kind kind, Change change, const json& object) { OnWatch(kind, change, object); });
  api_->on_create_job = [this](const json& job) { CheckCreate(job); };
  api_->on_delete_job = [this](const json& job) { CheckDelete(job); };
  many_hang_ = Pick(0, 7) == 0;
  retry_hung_ = many_hang_ || Pick(0, 1) == 1;
  node_ = std::make_unique<Node>(
      *api_, random_, [this](Duration after, Action action) { Schedule(after, std::move(action)); },
      [this] { return now_; }, retry_hung_);
  if (many_hang_) node_->hang_percent = 80;
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
      {"hang",
       {{"idleSeconds", 60},
        {"pendingSeconds", kPending.count()},
        {"action", retry_hung_ ? "Retry" : "Flag"}}}};
  if (Pick(0, 5) == 0) spec["activeDeadlineSeconds"] = Pick(30, 600);
  if (Pick(0, 1) == 1) {
    std::string lines;
    for (const json& row : rows) lines += row.dump() + "\n";
    api_->Put(Kind::ConfigMap,
              {{"metadata", {{"name", "rows"}, {"namespace", "ns"}}}, {"data", {{"rows.jsonl", lines}}}});
    spec["images"] = {{"configMaps", {{{"name", "rows"}, {"key", "rows.jsonl"}}}}};
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
  if (kind == Kind::Job && change == Change::Upsert && !Finished(object))
    node_->OnJob(object["metadata"]["name"]);
  if (kind == Kind::Job && change == Change::Gone) node_->OnJobGone(object["metadata"]["name"]);
  if (kind == Kind::Batch && change == Change::Upsert) CheckStatus(object);
  if (kind == Kind::ConfigMap && change == Change::Upsert) CheckEvidence();
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
  push(cluster::ListEnded{collection, api_->version()});
}

void Simulation::StartController() {
  ++incarnation_;
  last_delivery_.clear();
  reconciler_ =
      std::make_unique<cluster::Reconciler>("runner:1", "secret of process " + std::to_string(incarnation_));
  for (const Collection collection : {Collection::Batches, Collection::Jobs, Collection::Pods})
    List(collection);
}

// kill -9: what is on the wire lands or does not, and nobody hears of it.
void Simulation::KillController() {
  ++tally_.kills;
  Say("kill");
  reconciler_.reset();
  for (const auto& [id, request] : std::exchange(wire_, {})) {
    if (Chance(0.5)) api_->Handle(request, now_);
  }
  StartController();
}

void Simulation::Deliver(cluster::Event event) {
  ++tally_.events;
  reconciler_->Observe(event, Now());
  Step();
}

void Simulation::Step() {
  for (const cluster::Command& command : reconciler_->Step(Now())) Send(command);
}

void Simulation::Send(const cluster::Command& command) {
  ++tally_.requests;
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

void Simulation::Answer(uint64_t id, const kube::Request& request) {
  Result<kube::Response> response = Fail("the connection was closed");
  const bool reaches = !Chance(0.03);
  if (reaches) {
    if (Chance(0.03)) {
      response = kube::Response{Pick(0, 1) == 0 ? 429 : 500, "{}", std::nullopt};
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
  if (!faults_) return;
  const std::string job = AnyJob();
  switch (Pick(0, 9)) {
    case 0:
      if (job.empty()) break;
      Say("delete Job " + job);
      deleted_.insert(job);
      ++tally_.deletions;
      if (!IsStored(job)) {
        untraced_.insert(job);
        const json& object = *api_->Find(Kind::Job, job);
        node_->succeeded.erase(
            object["metadata"]["labels"][std::string(cluster::kBuildLabel)].get<std::string>());
      }
      node_->DeleteJob(job);
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
      json batch = *api_->Find(Kind::Batch, kBatch);
      const bool suspend = !batch["spec"].value("suspend", false);
      Say(suspend ? "suspend" : "resume");
      batch["spec"]["suspend"] = suspend;
      batch["metadata"]["generation"] = batch["metadata"]["generation"].get<int>() + 1;
      api_->Put(Kind::Batch, std::move(batch));
      break;
    }
    default:
      break;
  }
  Schedule(milliseconds(Pick(500, 25000)), [this] { Chaos(); });
}

void Simulation::Run() {
  api_->Put(Kind::Batch, MakeBatch());
  StartController();
  Schedule(seconds(Pick(0, 20)), [this] { Chaos(); });
  const Time begin = now_;
  const Time calm = begin + minutes(Pick(0, kLongestFaults));
  quiet_ = calm + minutes(1);
  const auto done = [&] {
    const json status = api_->Find(Kind::Batch, kBatch)->value("status", json::object());
    return !faults_ && status.is_object() && status.contains("completionTime") &&
           !status["completionTime"].is_null();
  };
  while (!done()) {
    if (faults_ && now_ >= calm) {
      faults_ = false;
      json batch = *api_->Find(Kind::Batch, kBatch);
      if (batch["spec"].value("suspend", false)) {
        batch["spec"]["suspend"] = false;
        batch["metadata"]["generation"] = batch["metadata"]["generation"].get<int>() + 1;
        api_->Put(Kind::Batch, std::move(batch));
      }
    }
    if (now_ > begin + kPatience) {
      Break("the batch is not finished " + std::to_string(kPatience.count()) + " min after its start");
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
  // What is finished stays so: nothing is started any more, and what is to be deleted goes
  const uint64_t jobs = tally_.jobs;
  const Time end = now_ + minutes(30);
  while (now_ < end && Advance()) continue;
  if (tally_.jobs != jobs || !done()) Break("a finished batch went on");
  CheckEnd();
}

// Lets the next thing happen: something in the cluster, or a timer of the controller. False: there is none.
bool Simulation::Advance() {
  const auto next = reconciler_->Next(Now());
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
  if (timer == now_ && ++timers_in_a_row_ > 1000) Break("the controller's timers make it spin");
  if (timer > now_) timers_in_a_row_ = 0;
  now_ = timer;
  Step();
  return true;
}

}  // namespace imagebatch::simulation
