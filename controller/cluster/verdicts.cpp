#include "cluster/verdicts.h"

#include <algorithm>

namespace imagebatch::cluster {
namespace {

std::optional<SteadyTime> Sooner(std::optional<SteadyTime> a, std::optional<SteadyTime> b) {
  return a && b ? std::min(a, b) : a ? a : b;
}

}  // namespace

void Verdicts::Look(const std::string& job, const SeenAttempt& seen, Now now) {
  Watched& watched = watched_[job];
  watched.seen = &seen;
  Look(job, watched, now);
}

void Verdicts::Look(const std::string& job, Watched& watched, Now now) {
  const SeenAttempt& seen = *watched.seen;
  const batch::Stage& stage = batch_.stages[expansion_.builds[seen.build].stage];
  const batch::HangPolicy policy = batch::Override(batch_.hang, stage.hang);
  if (watched.stall.Look(*seen.job, seen.pod, std::chrono::seconds(policy.pending_seconds), now))
    ReadEvents(job, seen.pod ? seen.pod->uid : seen.job->uid);
  if (seen.pod) {
    auto step = watched.hang.Look(*seen.pod, std::chrono::seconds(policy.silent_seconds), now);
    if (step.read) ReadLog(job, std::move(*step.read));
  }
  if (watched.stall.may_be_ended() && policy.action != batch::HangAction::Flag) to_end_.insert(job);
  Show(job, watched);
  timers_.Set(job, Sooner(seen.pod ? watched.hang.Next() : std::nullopt, watched.stall.Next()));
}

std::optional<HangVerdict> Verdicts::ToEnd(const std::string& job) const {
  const auto at = watched_.find(job);
  if (at == watched_.end() || !at->second.stall.may_be_ended()) return std::nullopt;
  return at->second.stall.verdict();
}

void Verdicts::NotKept(const std::string& job) {
  const auto at = hung_.find(job);
  if (at != hung_.end()) at->second.evidence.config_map.clear();
}

std::optional<HangVerdict> Verdicts::Forget(const std::string& job) {
  const auto at = watched_.find(job);
  if (at == watched_.end()) return std::nullopt;
  std::optional<HangVerdict> verdict = at->second.hang.verdict();
  watched_.erase(at);
  hung_.erase(job);
  to_end_.erase(job);
  timers_.Set(job, std::nullopt);
  return verdict;
}

void Verdicts::Step(Now now) {
  if (generation_ != batch_.generation) {  // other thresholds, perhaps
    generation_ = batch_.generation;
    for (auto& [job, watched] : watched_) Look(job, watched, now);
  }
  for (const std::string& job : timers_.TakeDue(now.steady)) Look(job, watched_.at(job), now);
}

void Verdicts::ReadLog(const std::string& job, kube::Request request) {
  requests_.Send(owner_, std::move(request), [this, job](const Result<kube::Response>& response, Now now) {
    const auto at = watched_.find(job);
    if (at == watched_.end()) return;
    at->second.hang.OnLog(Ok(response) ? std::optional(response->body) : std::nullopt, now);
    Look(job, at->second, now);
  });
}

void Verdicts::ReadEvents(const std::string& job, const std::string& uid) {
  requests_.Send(owner_, EventsRequest(batch_.ns, uid),
                 [this, job](const Result<kube::Response>& response, Now now) {
                   const auto at = watched_.find(job);
                   if (at == watched_.end()) return;
                   at->second.stall.OnEvents(Ok(response) ? std::optional(response->body) : std::nullopt);
                   Look(job, at->second, now);
                 });
}

// Brings what is shown of an attempt to what its watches say, and notes the change.
void Verdicts::Show(const std::string& job, const Watched& watched) {
  const SeenAttempt& seen = *watched.seen;
  const bool stalled = watched.stall.verdict().has_value();
  const std::optional<HangVerdict>& verdict = stalled ? watched.stall.verdict() : watched.hang.verdict();
  const auto shown = hung_.find(job);
  if (!verdict) {
    if (shown == hung_.end()) return;
    news_ = true;
    shown->second.hung = false;
    changes_.push_back(std::move(shown->second));
    hung_.erase(shown);
    return;
  }
  const bool news = shown == hung_.end() || shown->second.verdict.klass != verdict->klass ||
                    shown->second.verdict.since != verdict->since;
  HangChange& change = hung_[job];
  if (!news && change.verdict.message == verdict->message) return;
  news_ = true;
  if (!news) {
    change.verdict.message = verdict->message;
    return;
  }
  change = {job, seen.build, true, *verdict, {}, {}, {}, seen.attempt};
  if (seen.pod) {
    change.pod = seen.pod->name;
    change.node = seen.pod->node;
  }
  if (const Evidence* evidence = watched.hang.evidence(); evidence != nullptr && !stalled)
    change.evidence = evidence_.Keep(*seen.job, *seen.pod, *evidence);
  changes_.push_back(change);
}

}  // namespace imagebatch::cluster
