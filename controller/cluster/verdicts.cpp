#include "cluster/verdicts.h"

namespace imagebatch::cluster {

void Verdicts::Look(const std::string& job, const SeenAttempt& seen, Now now) {
  if (!seen.pod) return;
  Watched& watched = watched_[job];
  watched.seen = &seen;
  const batch::Stage& stage = batch_.stages[expansion_.builds[seen.build].stage];
  const std::chrono::seconds silent_after(batch::Override(batch_.hang, stage.hang).silent_seconds);
  HangWatch::Step step = watched.hang.Look(*seen.pod, silent_after, now);
  if (step.changed) Changed(job, watched);
  if (step.read) ReadLog(job, std::move(*step.read));
  timers_.Set(job, watched.hang.Next());
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
  timers_.Set(job, std::nullopt);
  return verdict;
}

void Verdicts::Step(Now now) {
  for (const std::string& job : timers_.TakeDue(now.steady)) Look(job, *watched_.at(job).seen, now);
}

void Verdicts::ReadLog(const std::string& job, kube::Request request) {
  requests_.Send(owner_, std::move(request), [this, job](const Result<kube::Response>& response, Now now) {
    const auto at = watched_.find(job);
    if (at == watched_.end()) return;
    HangWatch& hang = at->second.hang;
    const auto log = Ok(response) ? std::optional(response->body) : std::nullopt;
    if (hang.OnLog(log, now)) Changed(job, at->second);
    timers_.Set(job, hang.Next());
  });
}

void Verdicts::Changed(const std::string& job, const Watched& watched) {
  const SeenAttempt& seen = *watched.seen;
  const auto& verdict = watched.hang.verdict();
  HangChange change{job, seen.build, verdict.has_value(), verdict.value_or(HangVerdict{}), {},
                    {},  {},         seen.attempt};
  if (seen.pod) {
    change.pod = seen.pod->name;
    change.node = seen.pod->node;
  }
  if (const Evidence* evidence = watched.hang.evidence(); evidence != nullptr && seen.job && seen.pod)
    change.evidence = evidence_.Keep(*seen.job, *seen.pod, *evidence);
  if (verdict) {
    hung_[job] = change;
  } else {
    hung_.erase(job);
  }
  changes_.push_back(std::move(change));
}

}  // namespace imagebatch::cluster
