#include "cluster/store/evidence_keeper.h"

#include <algorithm>

#include "cluster/objects/log_lines.h"
#include "cluster/objects/names.h"
#include "cluster/objects/reply.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr int kTries = 5;
constexpr int kMostPieces = 64;
constexpr seconds kBefore(15);  // the log's time stamps are not those of the runner
constexpr seconds kLongestEnding(
    60);  // from the evidence to the end, where the runner does not say when it was

}  // namespace

EvidenceKeeper::Task& EvidenceKeeper::Begin(const JobView& job, const PodView& pod) {
  Task& task = tasks_[job.name];
  ends_.erase(task.id);
  task = Task();
  task.id = ++last_id_;
  task.build = job.build;
  task.attempt = job.attempt;
  task.pod = pod;
  timers_.Set(job.name, SteadyTime{});
  return task;
}

EvidenceReference EvidenceKeeper::Keep(const JobView& job, const PodView& pod, Evidence evidence) {
  Found(job.name, Begin(job, pod), std::move(evidence));
  return references_[job.name];
}

void EvidenceKeeper::KeepEnded(const JobView& job, const PodView& pod, const Outcome& outcome) {
  Task& task = Begin(job, pod);
  task.evidence = EvidenceOfAccount(outcome.runner);
  const Time ending = outcome.hung_since == Time{} ? outcome.finished - kLongestEnding : outcome.hung_since;
  task.search.emplace(pod.marker, ending - kBefore);
}

EvidenceReference EvidenceKeeper::Forget(const std::string& job) {
  const auto at = references_.find(job);
  if (at == references_.end()) return {};
  EvidenceReference reference = std::move(at->second);
  references_.erase(at);
  return reference;
}

EvidenceKeeper::Task* EvidenceKeeper::Find(const std::string& job, uint64_t id) {
  const auto at = tasks_.find(job);
  return at == tasks_.end() || at->second.id != id ? nullptr : &at->second;
}

void EvidenceKeeper::Step(Now now) {
  for (const std::string& job : timers_.TakeDue(now.steady)) Advance(job, now);
  for (; waiting_.size() > kKeptEvidence; waiting_.pop_front()) PassOver(waiting_.front());
  while (!waiting_.empty() && ends_.size() < kMostEnds) {
    const auto [job, id] = std::move(waiting_.front());
    waiting_.pop_front();
    if (Find(job, id) != nullptr) Advance(job, now);
  }
  store_.Step(now);
}

std::optional<SteadyTime> EvidenceKeeper::Next() const {
  if (!waiting_.empty() && ends_.size() < kMostEnds) return SteadyTime{};
  const auto own = timers_.Next(), stores = store_.Next();
  return own && stores ? std::min(own, stores) : own ? own : stores;
}

// The one place that decides what an attempt's evidence needs next: to be found, the log's end, the store.
void EvidenceKeeper::Advance(const std::string& job, Now now) {
  const auto at = tasks_.find(job);
  if (at == tasks_.end() || at->second.waiting) return;
  Task& task = at->second;
  if (!task.backoff.Due(now.steady)) return timers_.Set(job, task.backoff.next());
  if (!task.search && !task.evidence) {  // neither the log nor the account tells a hang
    tasks_.erase(at);
    settled_.push_back(job);
    return;
  }
  if (!task.search && !task.log) {
    if (ends_.size() >= kMostEnds) {
      waiting_.emplace_back(job, task.id);
      return;
    }
    ends_.insert(task.id);
  }
  task.waiting = true;
  if (task.search || !task.log) {
    Read(job, task);
  } else {
    Store(job, task);
  }
}

// As soon as it were stored it would give way to those that wait behind it.
void EvidenceKeeper::PassOver(const std::pair<std::string, uint64_t>& waiting) {
  const auto& [job, id] = waiting;
  if (Find(job, id) == nullptr) return;
  if (const auto reference = references_.find(job); reference != references_.end())
    reference->second.record.clear();
  tasks_.erase(job);
  settled_.push_back(job);
}

void EvidenceKeeper::Read(const std::string& job, const Task& task) {
  kube::Request request = task.search ? task.search->Next(task.pod) : task.end.Next(task.pod);
  channel_.Send({Purpose::ReadLog, job}, std::move(request),
                [this, job, id = task.id](const Result<kube::Response>& response, Now now) {
                  Task* found = Find(job, id);
                  if (found == nullptr) return;
                  found->waiting = false;
                  if (found->search) {
                    OnPiece(*found, response, now);
                    if (!found->search) Found(job, *found, std::move(found->evidence));
                  } else {
                    OnEnd(*found, response, now);
                    if (!found->log) ends_.erase(id);
                  }
                  Advance(job, now);
                });
}

// True where nothing is to be had: the Pod is gone, or it has been tried often enough.
bool EvidenceKeeper::GiveUp(Task& task, const Result<kube::Response>& response, Now now) {
  if (HasStatus(response, 404) || ++task.failures >= kTries) return true;
  task.backoff.Failed(now.steady);
  return false;
}

void EvidenceKeeper::OnPiece(Task& task, const Result<kube::Response>& response, Now now) {
  if (!Ok(response)) {
    if (GiveUp(task, response, now)) task.search.reset();
    return;
  }
  const bool more = task.search->OnPiece(response->body, response->received);
  if (more && ++task.pieces < kMostPieces) return;
  if (task.search->found()) task.evidence = task.search->found();
  task.search.reset();
}

void EvidenceKeeper::OnEnd(Task& task, const Result<kube::Response>& response, Now now) {
  if (!Ok(response)) {
    if (GiveUp(task, response, now)) task.log = "";
    return;
  }
  if (task.end.OnReply(response->body)) task.log = KeptLog(response->body, task.pod.marker);
}

void EvidenceKeeper::Found(const std::string& job, Task& task, std::optional<Evidence> evidence) {
  task.evidence = std::move(evidence);
  if (task.evidence) references_[job] = {store_.Name(task.build, task.attempt), Sha256(task.evidence->json)};
}

void EvidenceKeeper::Store(const std::string& job, Task& task) {
  EvidenceText text{task.build, task.attempt, {}, {}, task.evidence->json, std::move(*task.log)};
  if (const auto build = builds_.Find(task.build)) {
    text.stage = builds_.stage(*build).name;
    text.name = builds_.name(*build);
  }
  store_.Put(std::move(text), [this, job, id = task.id](const std::string& refusal, Now) {
    ends_.erase(id);
    const Task* found = Find(job, id);
    if (found == nullptr) return;
    if (!refusal.empty()) {
      refused_.push_back({job, store_.Name(found->build, found->attempt), refusal});
      const auto reference = references_.find(job);
      if (reference != references_.end()) reference->second.record.clear();
    }
    tasks_.erase(job);
    settled_.push_back(job);
  });
}

}  // namespace imagebatch::cluster
