#include "cluster/watch/verdicts.h"

#include <algorithm>

#include "base/keep_sooner.h"
#include "cluster/objects/reply.h"

namespace imagebatch::cluster {
namespace {

/// A container of the Pod runs that is part of the build.
bool Works(Standing standing) {
  switch (standing) {
    case Standing::Initializing:
    case Standing::WarmingUp:
    case Standing::Running:
      return true;
    case Standing::Suspended:
    case Standing::KeptBack:
    case Standing::Gated:
    case Standing::WithoutPod:
    case Standing::Unscheduled:
    case Standing::Starting:
    case Standing::NodeSilent:
    case Standing::Leaving:
    case Standing::BuildEnded:
    case Standing::PodEnded:
    case Standing::Ended:
      return false;
  }
  return false;
}

}  // namespace

Verdicts::Verdicts(const batch::Batch& batch, const Builds& builds, Channel& channel,
                   EvidenceKeeper& evidence)
    : batch_(batch),
      builds_(builds),
      channel_(channel),
      evidence_(evidence),
      event_reader_(
          batch.ns, channel, [this](EventKind kind) { return FollowersOfEvents(kind); },
          [this](const auto& subject, const auto& answer, Now now) { OnEvents(subject, answer, now); }) {}

void Verdicts::Resume(const ToldVerdict& told) {
  watched_[told.job].told = told.verdict;
  flagged_.Put({told.job, told.build, true, told.verdict, told.evidence, told.pod, told.node, told.attempt});
}

void Verdicts::Look(const std::string& job, const SeenAttempt& seen, Now now) {
  Watched& watched = watched_[job];
  watched.seen = &seen;
  Look(job, watched, now);
}

void Verdicts::Look(const std::string& job, Watched& watched, Now now) {
  const SeenAttempt& seen = *watched.seen;
  const batch::StallPolicy stall = builds_.stall(seen.build);
  const Limits limits{std::chrono::seconds(stall.after_seconds), std::chrono::seconds(stall.init_seconds)};
  if (watched.stall.Look(*seen.job, seen.pod, limits, now))
    event_reader_.Ask(watched.stall.kind_of_events(), {job, watched.stall.events_of()}, now);
  const AttemptState& state = watched.stall.state();
  if (watched.phase != state.phase) {
    watched.phase = state.phase;
    moved_.push_back({job, state.phase, watched.stall.HeldBy(), seen.pod ? seen.pod->name : "",
                      seen.pod && seen.pod->build ? seen.pod->build->started : Time{}});
  }
  const bool there = seen.pod && !seen.pod->gone;
  // What was found of a Pod says nothing of the next one
  const std::string pod = seen.pod ? seen.pod->uid : std::string();
  if (watched.pod != pod || ProspectOf(state.standing) == Prospect::Held) {
    watched.pod = pod;
    watched.hang = HangWatch();
  }
  if (there) {
    auto read =
        watched.hang.Look(*seen.pod, std::chrono::seconds(builds_.hang(seen.build).silent_seconds), now);
    if (read) ReadLog(job, std::move(*read));
  }
  if (watched.stall.over()) {
    over_.insert(job);
  } else {
    over_.erase(job);
  }
  if (watched.stall.may_be_ended() && stall.retry) to_end_.insert(job);
  Show(job, watched);
  if (Works(state.standing) && flagged_.Find(job) == nullptr) {
    working_.insert(job);
  } else {
    working_.erase(job);
  }
  std::optional<SteadyTime> next = watched.stall.Next();
  if (there) KeepSooner(next, watched.hang.Next());
  timers_.Set(job, next);
}

std::optional<Verdict> Verdicts::ToEnd(const std::string& job) const {
  const auto at = watched_.find(job);
  if (at == watched_.end() || !at->second.stall.may_be_ended()) return std::nullopt;
  return at->second.stall.verdict();
}

void Verdicts::NotKept(const std::string& job) { flagged_.EvidenceIsNotKept(job); }

std::optional<Verdict> Verdicts::End(const std::string& job) {
  const auto at = watched_.find(job);
  if (at == watched_.end()) return std::nullopt;
  Watched& watched = at->second;
  std::optional<Verdict> verdict = watched.hang.verdict();
  const bool leaving = watched.stall.verdict() && watched.stall.state().standing == Standing::Leaving;
  if (!leaving) {
    Forget(job);
    return verdict;
  }
  watched.hang = HangWatch();
  to_end_.erase(job);
  over_.erase(job);
  return verdict;
}

void Verdicts::Forget(const std::string& job) {
  watched_.erase(job);
  flagged_.Remove(job);
  working_.erase(job);
  to_end_.erase(job);
  over_.erase(job);
  timers_.Set(job, std::nullopt);
}

void Verdicts::Step(Now now) {
  if (generation_ != batch_.generation) {  // other thresholds, perhaps
    generation_ = batch_.generation;
    for (auto& [job, watched] : watched_) {
      if (watched.seen != nullptr) Look(job, watched, now);
    }
  }
  for (const std::string& job : timers_.TakeDue(now.steady)) Look(job, watched_.at(job), now);
  event_reader_.Step(now);
}

std::optional<SteadyTime> Verdicts::Next() const {
  std::optional<SteadyTime> next = timers_.Next();
  KeepSooner(next, event_reader_.Next());
  return next;
}

void Verdicts::ReadLog(const std::string& job, kube::Request request) {
  channel_.Send({Purpose::ReadLog, job}, std::move(request),
                [this, job, pod = watched_.at(job).pod](const Result<kube::Response>& response, Now now) {
                  const auto at = watched_.find(job);
                  if (at == watched_.end() || at->second.pod != pod) return;
                  at->second.hang.OnLog(
                      Ok(response) ? response : Result<kube::Response>(Fail(ErrorMessage(response))), now);
                  Look(job, at->second, now);
                });
}

std::vector<EventReader::Subject> Verdicts::FollowersOfEvents(EventKind kind) const {
  std::vector<EventReader::Subject> followers;
  for (const auto& [job, watched] : watched_) {
    if (watched.stall.follows_events() && watched.stall.kind_of_events() == kind)
      followers.push_back({job, watched.stall.events_of()});
  }
  return followers;
}

void Verdicts::OnEvents(const EventReader::Subject& subject, const EventsAnswer& answer, Now now) {
  const auto at = watched_.find(subject.job);
  if (at == watched_.end() || at->second.seen == nullptr) return;
  at->second.stall.OnEvents(subject.uid, answer, now);
  Look(subject.job, at->second, now);
}

// Brings what is shown of an attempt to what its watches say, and notes the change.
void Verdicts::Show(const std::string& job, Watched& watched) {
  const SeenAttempt& seen = *watched.seen;
  const bool stalled = watched.stall.verdict().has_value();
  std::optional<Verdict> verdict = stalled ? watched.stall.verdict() : watched.hang.verdict();
  const VerdictChange* shown = flagged_.Find(job);
  if (!verdict) {
    const bool undecided =
        watched.stall.undecided() || (seen.pod && !seen.pod->gone && watched.hang.undecided());
    if (shown == nullptr || (watched.told && undecided)) return;
    watched.told.reset();
    news_ = true;
    changes_.push_back(*shown);
    changes_.back().stands = false;
    flagged_.Remove(job);
    return;
  }
  if (watched.told && watched.told->class_name != verdict->class_name) watched.told.reset();
  if (watched.told) verdict->since = watched.told->since;
  const bool again = watched.told && !std::exchange(watched.found, true);
  const bool news = shown == nullptr || shown->verdict.class_name != verdict->class_name ||
                    shown->verdict.since != verdict->since;
  if (!news && !again && shown->verdict.message == verdict->message) return;
  news_ = true;
  VerdictChange change{job, seen.build, true, {}, {}, {}, {}, seen.attempt};
  if (!news) change = *shown;
  change.verdict = std::move(*verdict);
  // Of one that is found again: its evidence may have been on its way when the process ended
  if (news || again) Describe(change, watched);
  if (news) changes_.push_back(change);
  flagged_.Put(std::move(change));
}

void Verdicts::Describe(VerdictChange& change, const Watched& watched) {
  const SeenAttempt& seen = *watched.seen;
  if (seen.pod) {
    change.pod = seen.pod->name;
    change.node = seen.pod->node;
  }
  if (watched.stall.verdict()) return;
  if (const Evidence* evidence = watched.hang.evidence())
    change.evidence = evidence_.Keep(*seen.job, *seen.pod, *evidence);
}

}  // namespace imagebatch::cluster
