// What the attempts need next, what is asked for it, and how they end.
#include <algorithm>
#include <utility>

#include "base/keep_sooner.h"
#include "base/text.h"
#include "cluster/control/attempts.h"
#include "cluster/objects/quota.h"

namespace imagebatch::cluster {
namespace {

using plan::Phase;
using Answer = JobClient::Answer;

/// The garbage collector has deleted a Pod that lost its Job by then.
constexpr std::chrono::seconds kOrphan(10);

Outcome Rejected(const char* reason, plan::Cause cause, const std::string& message, Now now) {
  Outcome outcome;
  outcome.cause = cause;
  outcome.started = outcome.finished = now.wall;
  outcome.reason = reason;
  outcome.message = Printable(message, 512);
  return outcome;
}

CreatePace::Sign SignOf(const JobClient::Reply& reply) {
  switch (reply.answer) {
    case Answer::Done:
      return CreatePace::Sign::Works;
    case Answer::Exists:
    case Answer::Absent:
    case Answer::Refused:
      return CreatePace::Sign::None;
    case Answer::NotNow:
      break;
  }
  return IsHeldByQuota(reply.message) ? CreatePace::Sign::Quota : CreatePace::Sign::Fails;
}

/// The Job of which only a Pod is left.
JobView JobOf(const PodView& pod) {
  JobView job;
  job.ns = pod.ns;
  job.name = pod.job;
  job.uid = pod.job_uid;
  job.batch_uid = pod.batch_uid;
  job.created = pod.created;
  job.gone = true;
  return job;
}

}  // namespace

void Attempts::Step(Now now) {
  for (const std::string& name : timers_.TakeDue(now.steady)) Advance(name, now);
  verdicts_.Step(now);
  evidence_.Step(now);
  for (const std::string& name : evidence_.TakeSettled()) Advance(name, now);
  EndStalled(now);
  for (const std::string& name : verdicts_.TakeOver()) {
    Live* live = Find(name);
    if (live != nullptr && NeedOf(*live, live->course) == Need::Watch && !live->course.concluded)
      ConcludeEnded(name, *live, now);
  }
  for (const Moved& moved : verdicts_.TakeMoved()) Follow(moved, now);
  CreateDue(now);
}

std::optional<SteadyTime> Attempts::Next() const {
  std::optional<SteadyTime> next;
  for (const auto other : {timers_.Next(), pace_.Next(), verdicts_.Next(), evidence_.Next()})
    KeepSooner(next, other);
  return next;
}

// The one place from which an attempt goes on, whatever has been seen or answered of it.
void Attempts::Advance(const std::string& name, Now now) {
  Live* live = Find(name);
  if (live == nullptr) return;
  timers_.Set(name, std::nullopt);
  if (live->asking) return;  // the reply brings us here again
  // A Pod names its Job: that was created, and the reply to it was lost. It may be gone again
  if (!live->job && !live->course.concluded && !live->early.empty()) live->course.taken = true;
  const Need need = NeedOf(*live, live->course);
  if (need != Need::Create) pace_.Leave(name);
  switch (need) {
    case Need::Watch:
      return Watch(name, *live, now);
    case Need::Conclude:
      return ConcludeEnded(name, *live, now);
    case Need::Forget:
      return Forget(name);
    case Need::Delete:
      if (evidence_.Busy(name)) return;  // its log goes with it
      break;
    case Need::Create:
      // Another attempt of it has, while this one waited
      if (plan_.state(live->build) == plan::State::Succeeded) return Forget(name);
      break;
    case Need::FindJob:
    case Need::ReadPods:
      break;
  }
  if (!live->backoff.Due(now.steady)) return timers_.Set(name, live->backoff.next());
  if (need == Need::Create) return AwaitTurn(name, *live, now);
  live->asking = true;
  Ask(name, *live, need);
}

void Attempts::AwaitTurn(const std::string& name, const Live& live, Now now) {
  pace_.Wait(name, plan_.stage(live.build));
  if (pace_.held()) plan_.Observe(live.build, {live.attempt, Phase::Held, plan::Cause::Build, {}});
  CreateDue(now);
}

void Attempts::CreateDue(Now now) {
  for (const std::string& name : pace_.Take(now.steady)) {
    Live& live = live_.at(name);
    live.asking = true;
    Ask(name, live, Need::Create);
  }
}

// Once a quota refuses one, all that wait are held by it.
void Attempts::PaceBy(const JobClient::Reply& reply, Now now) {
  const bool held = pace_.held();
  pace_.Answered(SignOf(reply), now.steady);
  if (held || !pace_.held()) return;
  for (const std::string& name : pace_.Waiting()) {
    const Live& live = live_.at(name);
    plan_.Observe(live.build, {live.attempt, Phase::Held, plan::Cause::Build, {}});
  }
}

void Attempts::Ask(const std::string& name, Live& live, Need need) {
  const auto then = [&](void (Attempts::*handle)(const std::string&, const JobClient::Reply&, Now)) {
    return
        [this, name, handle](const JobClient::Reply& reply, Now now) { (this->*handle)(name, reply, now); };
  };
  switch (need) {
    case Need::Create:
      return client_.Create({live.build, live.attempt, plan_.round(live.build, live.attempt)},
                            [this, name](const JobClient::Reply& reply, Now now) {
                              PaceBy(reply, now);
                              Created(name, reply, now);
                              CreateDue(now);
                            });
    case Need::FindJob:
      return client_.Read(name, then(&Attempts::Found));
    case Need::Delete:
      return client_.Delete(name, live.job->uid, then(&Attempts::Deleted));
    case Need::ReadPods:
      return client_.ReadPods(name, [this, name](const auto& pods, Now now) { Looked(name, pods, now); });
    case Need::Watch:
    case Need::Conclude:
    case Need::Forget:
      return;
  }
}

void Attempts::Watch(const std::string& name, Live& live, Now now) {
  if (live.course.concluded) {
    const bool runs = live.pod && MayRun(*live.pod);
    if (!runs || !live.job->gone) live.orphaned.reset();
    if (!runs) return;
    // What held it up before was told. That it does not go is told, and of an orphan how it does
    if (!live.pod->deleting) {
      if (!live.job->gone) return;
      if (!live.orphaned) live.orphaned = now.steady;
      if (now.steady < *live.orphaned + kOrphan) return timers_.Set(name, *live.orphaned + kOrphan);
    }
  }
  verdicts_.Look(name, live, now);
}

void Attempts::Follow(const Moved& moved, Now now) {
  const Live* live = Find(moved.job);
  if (live == nullptr || live->course.concluded) return;
  plan_.Observe(live->build, {live->attempt, moved.phase, plan::Cause::Build, {}});
  if (moved.phase == Phase::Held) happenings_.push_back(Held{live->build, moved.why});
  if (moved.phase != Phase::Running) return;
  happenings_.push_back(Ran{live->build, live->attempt, moved.since, moved.pod});
  Advanced(moved.since, now);
}

/// The attempt a reply is for; null where it has ended meanwhile.
Attempts::Live* Attempts::Answered(const std::string& name) {
  Live* live = Find(name);
  if (live != nullptr) live->asking = false;
  return live;
}

void Attempts::Created(const std::string& name, const JobClient::Reply& reply, Now now) {
  Live* live = Answered(name);
  if (live == nullptr) return;
  if (reply.answer == Answer::Refused && !live->job) {
    return Conclude(
        name,
        Rejected("JobRejected", plan::Cause::Build, "the API server refuses its Job: " + reply.message, now),
        now);
  }
  if (reply.answer == Answer::Done) live->backoff.Succeeded();
  if (reply.answer == Answer::Exists)
    live->course.taken = true;                            // by a create whose reply was lost, most likely
  if (reply.job) See({Change::Upsert, *reply.job}, now);  // unless the watch has told more already
  // Nobody knows, or not now (quota, a webhook that is down): the same create again, under the same name
  if (!live->job && reply.answer != Answer::Exists) {
    const bool held = SignOf(reply) == CreatePace::Sign::Quota;
    if (held) {
      happenings_.push_back(Held{live->build, reply.message});
    } else {
      live->backoff.Failed(now.steady);
    }
    plan_.Observe(live->build, {live->attempt, held ? Phase::Held : Phase::Creating, plan::Cause::Build, {}});
  }
  Advance(name, now);
}

// The name of an attempt's Job is in use, or was: whose is it?
void Attempts::Found(const std::string& name, const JobClient::Reply& reply, Now now) {
  Live* live = Answered(name);
  if (live == nullptr) return;
  const bool ours = reply.job && reply.job->batch_uid == batch_.uid;
  if (reply.answer == Answer::NotNow) {
    live->backoff.Failed(now.steady);
  } else if (ours) {
    live->backoff.Succeeded();
    SeeOf(*live, {Change::Upsert, *reply.job}, now);
  } else if (live->job) {  // the watch was faster
    return Advance(name, now);
  } else if (reply.answer == Answer::Absent) {
    live->asking = true;  // it was there and is gone: perhaps its Pod is not
    return Ask(name, *live, Need::ReadPods);
  } else if (live->course.concluded) {
    return Forget(name);  // a Pod that names a Job which is not of this batch
  } else {
    live->course.taken = false;
    return Conclude(name,
                    Rejected("JobNameTaken", plan::Cause::Infrastructure,
                             "a Job " + name + " that is not of this batch exists; delete it", now),
                    now);
  }
  Advance(name, now);
}

// What the watch has not told yet: which Pods of a Job that is over may still run.
void Attempts::Looked(const std::string& name, const std::optional<std::vector<PodView>>& pods, Now now) {
  Live* live = Answered(name);
  if (live == nullptr) return;
  if (!pods) {
    live->backoff.Failed(now.steady);
    return Advance(name, now);
  }
  live->backoff.Succeeded();
  if (std::exchange(live->look_again, false) && !live->job) {
    live->asking = true;
    return Ask(name, *live, Need::ReadPods);
  }
  // The watch may have told more of it already, while its Job was not known
  const auto newest = [&](const PodView& pod) {
    const PodView* early = Early(*live, pod.uid);
    return early != nullptr && early->version > pod.version ? *early : pod;
  };
  const auto believed = [&](const PodView& pod) {
    if (pod.batch_uid != batch_.uid) return false;
    return live->job ? pod.job_uid == live->job->uid : MayRun(newest(pod));
  };
  if (!live->job) {
    const auto left = std::find_if(pods->begin(), pods->end(), believed);
    if (left != pods->end()) {
      live->job = JobOf(*left);
      live->job->build = builds_.hash(live->build);
      live->job->attempt = live->attempt;
    }
    live->course.taken = false;
  }
  if (!live->job) {  // nothing is left: created again, or forgotten
    live->early.clear();
    return Advance(name, now);
  }
  bool listed = false;
  int running = 0;
  for (const PodView& read : *pods) {
    if (!believed(read)) continue;
    const PodView pod = newest(read);
    running += MayRun(pod) ? 1 : 0;
    TakePod(*live, pod, now);
    listed = listed || (live->pod && pod.uid == live->pod->uid);
  }
  if (live->pod && !listed) live->pod->gone = true;
  live->early.clear();
  live->course.looked = true;
  live->course.others = running > 1;
  Advance(name, now);
}

void Attempts::Deleted(const std::string& name, const JobClient::Reply& reply, Now now) {
  Live* live = Answered(name);
  if (live == nullptr) return;
  switch (reply.answer) {
    case Answer::Done:
      live->backoff.Succeeded();
      live->job->deleting = true;
      break;
    case Answer::Absent:
    case Answer::Exists:
      live->job->gone = true;
      break;
    case Answer::Refused:
    case Answer::NotNow:
      live->backoff.Failed(now.steady);
      break;
  }
  Advance(name, now);
}

void Attempts::Stored(const std::string& job, Now now) {
  unstored_.erase(job);
  if (Live* live = Find(job)) live->course.stored = true;
  Advance(job, now);
}

// A verdict comes before the end of its attempt, however close together they are.
void Attempts::GatherHappenings() {
  for (VerdictChange& change : verdicts_.TakeChanges()) happenings_.push_back(std::move(change));
  for (EvidenceRefused& refused : evidence_.TakeRefused()) {
    verdicts_.NotKept(refused.job);
    happenings_.push_back(std::move(refused));
  }
}

std::vector<Happening> Attempts::TakeHappenings() {
  GatherHappenings();
  return std::exchange(happenings_, {});
}

void Attempts::EndStalled(Now now) {
  for (const std::string& name : verdicts_.TakeToEnd()) {
    Live* live = Find(name);
    if (live == nullptr || live->asking || live->course.concluded) continue;
    // By the calendar it has waited long enough; but the cluster's clock and this one may differ
    const SteadyTime seen_enough =
        live->pod_since + std::chrono::seconds(builds_.stall(live->build).after_seconds);
    const SteadyTime due = std::max(seen_enough, live->backoff.next());
    if (now.steady < due) {
      timers_.Set(name, due);
      continue;
    }
    live->asking = true;
    LookAgain(name);
  }
}

// Its Pod does not start and is to make room for another: only when a fresh look shows that its build still
// has not begun, for the watch may lag behind.
void Attempts::LookAgain(const std::string& name) {
  client_.ReadPods(name, [this, name](const std::optional<std::vector<PodView>>& pods, Now now) {
    Live* live = Answered(name);
    if (live == nullptr) return;
    if (!pods) live->backoff.Failed(now.steady);  // the verdict stands, and brings us here again
    bool fresh = false;
    for (const PodView& pod : pods.value_or(std::vector<PodView>())) {
      fresh = See({Change::Upsert, pod}, now) != nullptr || fresh;
    }
    if (pods && !fresh && live->pod) live->pod->gone = true;  // the watch is yet to bring it
    Advance(name, now);
    live = Find(name);
    const auto verdict = verdicts_.ToEnd(name);
    if (!fresh || live == nullptr || live->asking || live->course.concluded || !verdict) return;
    End(name, plan::Cause::Infrastructure, verdict->class_name, verdict->message, now);
  });
}

void Attempts::Forget(const std::string& name) {
  const auto at = live_.find(name);
  if (at->second.course.concluded) plan_.Release(at->second.build);
  verdicts_.Forget(name);
  timers_.Set(name, std::nullopt);
  pace_.Leave(name);
  live_.erase(at);
}

}  // namespace imagebatch::cluster
