#include "cluster/attempts.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cluster/job_object.h"
#include "cluster/names.h"
#include "cluster/parse.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using plan::Phase;

bool Finished(const JobView& job) { return job.phase != JobView::Phase::Active; }

Outcome Rejected(const char* reason, const std::string& message, Now now) {
  Outcome outcome;
  outcome.started = outcome.finished = now.wall;
  outcome.reason = reason;
  outcome.message = Printable(message, 512);
  return outcome;
}

kube::Request PodOfJob(const std::string& ns, const std::string& job) {
  kube::Request request;
  request.path = PodsPath(ns) + "?labelSelector=batch.kubernetes.io%2Fjob-name%3D" + job;
  return request;
}

Result<std::vector<PodView>> PodsIn(const Result<kube::Response>& response) {
  return Ok(response) ? ParsePodList(response->body) : Result<std::vector<PodView>>(Fail("no list"));
}

}  // namespace

Attempts::Attempts(const batch::Batch& batch, const batch::Expansion& expansion,
                   const std::vector<std::string>& build_hashes, RunnerKit& kit, plan::Plan& plan,
                   Requests& requests, const void* owner)
    : batch_(batch),
      expansion_(expansion),
      build_hashes_(build_hashes),
      kit_(kit),
      plan_(plan),
      requests_(requests),
      owner_(owner),
      evidence_(batch, requests, owner),
      verdicts_(batch, expansion, requests, owner, evidence_) {
  for (uint32_t i = 0; i < build_hashes.size(); ++i) build_of_hash_.emplace(build_hashes[i], i);
}

Attempts::Live* Attempts::Find(const std::string& name) {
  const auto at = live_.find(name);
  return at == live_.end() ? nullptr : &at->second;
}

// The live attempt of a Job: one that was started here, or one that an earlier process left.
Attempts::Live* Attempts::FindOrAdopt(const JobView& job) {
  if (Live* live = Find(job.name)) return live;
  const auto build = build_of_hash_.find(job.build);
  if (build == build_of_hash_.end() || job.attempt < 1) return nullptr;
  if (job.name != JobName(batch_.name, job.build, job.attempt))
    return nullptr;  // labels can be copied by anyone
  for (const plan::Attempt& attempt : plan_.attempts(build->second)) {
    if (attempt.number != job.attempt || attempt.phase < Phase::Succeeded) continue;
    if (!Finished(job) && !going_.contains(job.name)) leftovers_.insert(job.name);
    return nullptr;
  }
  Live& live = live_[job.name];
  live.build = build->second;
  live.attempt = job.attempt;
  return &live;
}

void Attempts::Start(const plan::Start& start, Now now) {
  const std::string name = JobName(batch_.name, build_hashes_[start.build], start.attempt);
  Live& live = live_[name];
  live.build = start.build;
  live.attempt = start.attempt;
  Advance(name, now);
}

void Attempts::Adopt(const std::vector<std::pair<Change, JobView>>& jobs,
                     const std::vector<std::pair<Change, PodView>>& pods, Now now) {
  for (const auto& [change, job] : jobs) See(change, job, now);
  for (const auto& [change, pod] : pods) See(change, pod);
  for (const auto& [change, job] : jobs) Advance(job.name, now);
}

void Attempts::OnJob(Change change, const JobView& job, Now now) {
  if (See(change, job, now) != nullptr) Advance(job.name, now);
}

void Attempts::OnPod(Change change, const PodView& pod, Now now) {
  if (See(change, pod) != nullptr) Advance(pod.job, now);
}

// Takes in a view; the live attempt it belongs to, or null where it changes nothing.
Attempts::Live* Attempts::See(Change change, const JobView& job, Now now) {
  if (job.batch_uid != batch_.uid) return nullptr;
  Live* live = FindOrAdopt(job);
  if (live == nullptr) {
    if (change == Change::Gone) leftovers_.erase(job.name);
    return nullptr;
  }
  live->listed = true;
  if (live->job && job.version < live->job->version) return nullptr;  // a reply has told more already
  const bool first = !live->job;
  live->job = job;
  if (change == Change::Gone && !Finished(job)) {
    Conclude(job.name, OutcomeOfDeleted(job, now.wall));
    return nullptr;
  }
  if (first) {
    plan_.Observe(live->build, {live->attempt, Phase::Pending, plan::Cause::Build, {}});
    progress_ = true;
  }
  return live;
}

Attempts::Live* Attempts::See(Change change, const PodView& pod) {
  Live* live = Find(pod.job);
  if (live == nullptr || (live->pod && pod.uid == live->pod->uid && pod.version < live->pod->version))
    return nullptr;
  if (change == Change::Gone && !Ended(pod) && !pod.deleting) {
    live->pod.reset();
  } else {
    live->pod = pod;
  }
  return live;
}

void Attempts::OnListBegun(Collection collection) {
  if (collection != Collection::Jobs) return;
  for (auto& [name, live] : live_) live.listed = false;
}

void Attempts::OnListEnded(Collection collection, Version version, Now now) {
  if (collection != Collection::Jobs) return;
  std::vector<std::string> gone;
  for (const auto& [name, live] : live_) {
    if (!live.listed && live.job && live.job->version <= version) gone.push_back(name);
  }
  for (const std::string& name : gone) {
    const JobView job = *live_[name].job;
    OnJob(Change::Gone, job, now);
  }
}

void Attempts::Step(Now now) {
  for (const std::string& name : timers_.TakeDue(now.steady)) Advance(name, now);
  verdicts_.Step(now);
  evidence_.Step(now);
  for (const std::string& name : evidence_.TakeSettled()) Advance(name, now);
  for (const std::string& name : verdicts_.TakeToEnd()) {
    Live* live = Find(name);
    if (live == nullptr || live->asking || !live->backoff.Due(now.steady)) continue;
    live->asking = true;
    LookAgain(name);
  }
}

std::optional<SteadyTime> Attempts::Next() const {
  std::optional<SteadyTime> next;
  for (const auto other : {timers_.Next(), verdicts_.Next(), evidence_.Next()}) {
    if (other && (!next || *other < *next)) next = other;
  }
  return next;
}

// The one place that decides what an attempt needs next, from what is seen of it.
void Attempts::Advance(const std::string& name, Now now) {
  Live* live = Find(name);
  if (live == nullptr) return;
  if (live->asking) return timers_.Set(name, std::nullopt);
  if (!live->job || Finished(*live->job)) {
    if (live->job && live->pod && Ended(*live->pod)) return ConcludeEnded(name, *live);
    if (!live->backoff.Due(now.steady)) return timers_.Set(name, live->backoff.next());
    timers_.Set(name, std::nullopt);
    live->asking = true;
    if (live->job) {
      ReadPod(name, *live);
    } else if (live->taken) {
      ReadJob(name);
    } else {
      Create(name, *live);
    }
    return;
  }
  const bool running =
      live->pod && live->pod->build && live->pod->build->state == ContainerView::State::Running;
  const auto& attempts = plan_.attempts(live->build);
  if (running && !attempts.empty() && attempts.back().number == live->attempt &&
      attempts.back().phase != Phase::Running) {
    plan_.Observe(live->build, {live->attempt, Phase::Running, plan::Cause::Build, {}});
    ran_.push_back({live->build, live->attempt, live->pod->build->started, live->pod->name});
    progress_ = true;
  }
  verdicts_.Look(name, *live, now);
}

void Attempts::Create(const std::string& name, const Live& live) {
  const batch::Build& build = expansion_.builds[live.build];
  const JobSpec spec{build_hashes_[live.build], build.key, live.attempt, kit_.image, kit_.markers.Next(name)};
  kube::Request request;
  request.method = kube::Method::Post;
  request.path = JobsPath(batch_.ns);
  request.body = JobObject(batch_, batch_.stages[build.stage], build, spec,
                           batch::RenderTemplate(batch_, expansion_, build))
                     .dump(-1, ' ', false, json::error_handler_t::replace);
  requests_.Send(owner_, std::move(request), [this, name](const Result<kube::Response>& response, Now now) {
    Created(name, response, now);
  });
}

void Attempts::Created(const std::string& name, const Result<kube::Response>& response, Now now) {
  Live* live = Find(name);
  if (live == nullptr) return;
  live->asking = false;
  if (Ok(response)) {
    live->backoff.Succeeded();
    if (const auto job = ParseJob(response->body)) return OnJob(Change::Upsert, *job, now);
  } else if (HasStatus(response, 409)) {
    live->taken = true;  // by an earlier create whose reply was lost, most likely
    return Advance(name, now);
  } else if (HasStatus(response, 400) || HasStatus(response, 422)) {
    return Conclude(
        name, Rejected("JobRejected", "the API server refuses its Job: " + ErrorMessage(response), now));
  }
  if (live->job) return Advance(name, now);  // the reply was lost, but the watch has brought the Job
  // Nobody knows, or not now (quota, a webhook that is down): the same create again, under the same name
  live->backoff.Failed(now.steady);
  if (!live->refused) refused_.push_back({name, ErrorMessage(response)});
  live->refused = true;
  Advance(name, now);
}

// The name of an attempt exists: whose is it?
void Attempts::ReadJob(const std::string& name) {
  kube::Request request;
  request.path = JobsPath(batch_.ns) + "/" + name;
  requests_.Send(owner_, std::move(request), [this, name](const Result<kube::Response>& response, Now now) {
    Live* live = Find(name);
    if (live == nullptr) return;
    live->asking = false;
    if (HasStatus(response, 404)) {  // it was there and is gone again
      JobView job;
      job.created = now.wall;
      return Conclude(name, OutcomeOfDeleted(job, now.wall));
    }
    const auto job = Ok(response) ? ParseJob(response->body) : Result<JobView>(Fail("no Job"));
    if (job && job->batch_uid == batch_.uid) {
      live->backoff.Succeeded();
      return OnJob(Change::Upsert, *job, now);
    }
    if (job) {
      return Conclude(name, Rejected("JobNameTaken",
                                     "a Job " + name + " that is not of this batch exists; delete it", now));
    }
    live->backoff.Failed(now.steady);
    Advance(name, now);
  });
}

// A Job has ended whose Pod has not been seen to end: the watch of Pods may lag behind that of Jobs, or the
// Pod is gone. Only a fresh read tells which.
void Attempts::ReadPod(const std::string& name, const Live& live) {
  requests_.Send(owner_, PodOfJob(batch_.ns, name),
                 [this, name, uid = live.job->uid](const Result<kube::Response>& response, Now now) {
                   Live* found = Find(name);
                   if (found == nullptr) return;
                   found->asking = false;
                   const auto pods = PodsIn(response);
                   if (!pods) {
                     found->backoff.Failed(now.steady);
                     return Advance(name, now);
                   }
                   std::optional<PodView> pod =
                       found->pod && found->pod->deleting ? found->pod : std::nullopt;
                   for (const PodView& candidate : *pods) {
                     if (candidate.job_uid == uid) pod = candidate;
                   }
                   if (!pod || !Ended(*pod)) return Conclude(name, OutcomeOf(*found->job, pod));
                   found->pod = std::move(pod);
                   Advance(name, now);
                 });
}

// The evidence of a hang is stored before its attempt counts as ended: then comes the next one, or its Job
// goes.
void Attempts::ConcludeEnded(const std::string& name, Live& live) {
  Outcome outcome = OutcomeOf(*live.job, live.pod);
  if (outcome.cause == plan::Cause::Hang && !std::exchange(live.kept, true))
    evidence_.KeepEnded(*live.job, *live.pod, outcome);
  timers_.Set(name, std::nullopt);
  if (!evidence_.Busy(name)) Conclude(name, std::move(outcome));
}

std::vector<EvidenceKeeper::Refused> Attempts::TakeRefusedEvidence() {
  auto refused = evidence_.TakeRefused();
  for (const EvidenceKeeper::Refused& evidence : refused) verdicts_.NotKept(evidence.job);
  return refused;
}

// Its Pod does not start and is to make room for another: only when a fresh look shows that its build still
// has not begun, for the watch may lag behind.
void Attempts::LookAgain(const std::string& name) {
  requests_.Send(owner_, PodOfJob(batch_.ns, name),
                 [this, name](const Result<kube::Response>& response, Now now) {
                   Live* live = Find(name);
                   if (live == nullptr) return;
                   live->asking = false;
                   const auto pods = PodsIn(response);
                   if (!pods)
                     live->backoff.Failed(now.steady);  // the verdict stands, and brings us here again
                   bool fresh = false;
                   for (const PodView& pod : pods.value_or(std::vector<PodView>())) {
                     if (pod.job_uid != live->job->uid) continue;
                     See(Change::Upsert, pod);
                     fresh = true;
                   }
                   Advance(name, now);
                   live = Find(name);
                   const auto verdict = verdicts_.ToEnd(name);
                   if (!fresh || live == nullptr || live->asking || !verdict) return;
                   End(name, plan::Cause::Infrastructure, verdict->klass, verdict->message, now);
                 });
}

void Attempts::Conclude(const std::string& name, Outcome outcome) {
  const auto at = live_.find(name);
  Live& live = at->second;
  timers_.Set(name, std::nullopt);
  const Phase phase = outcome.succeeded ? Phase::Succeeded : Phase::Failed;
  plan_.Observe(live.build, {live.attempt, phase, outcome.cause, outcome.finished});
  const auto verdict = verdicts_.Forget(name);
  Concluded concluded{live.build, live.attempt, name, std::move(outcome), {}, evidence_.Forget(name)};
  if (concluded.outcome.succeeded) {
    concluded.evidence = {};
  } else {
    concluded.verdict = verdict;
  }
  concluded_.push_back(std::move(concluded));
  progress_ = true;
  live_.erase(at);
}

void Attempts::EndAll(const std::string& reason, const std::string& message, Now now) {
  std::vector<std::string> names;
  for (const auto& [name, live] : live_) {
    // What is being asked, or is to be, may find a Job; the next call ends it then
    const bool refused = !live.job && !live.asking && !live.taken;
    if (refused || (live.job && !Finished(*live.job))) names.push_back(name);
  }
  for (const std::string& name : names) End(name, plan::Cause::Build, reason, message, now);
}

// Concludes an attempt from here; its Job, where it has one, is left over.
void Attempts::End(const std::string& name, plan::Cause cause, const std::string& reason,
                   const std::string& message, Now now) {
  const Live& live = live_[name];
  if (live.job) leftovers_.insert(name);
  Outcome outcome;
  outcome.cause = cause;
  outcome.reason = reason;
  outcome.message = message;
  outcome.started = live.job ? live.job->created : now.wall;
  outcome.finished = now.wall;
  if (live.pod) {
    outcome.pod = live.pod->name;
    outcome.node = live.pod->node;
  }
  Conclude(name, std::move(outcome));
}

std::vector<std::string> Attempts::TakeLeftovers() {
  going_.insert(leftovers_.begin(), leftovers_.end());
  const std::set<std::string> names = std::exchange(leftovers_, {});
  return {names.begin(), names.end()};
}

void Attempts::LeftoverDeleted(const std::string& job, bool deleted, Now now) {
  going_.erase(job);
  if (deleted) return leftovers_backoff_.Succeeded();
  leftovers_.insert(job);
  leftovers_backoff_.Failed(now.steady);
}

}  // namespace imagebatch::cluster
