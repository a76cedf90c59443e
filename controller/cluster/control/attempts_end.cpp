// How attempts end.
#include <utility>

#include "cluster/control/attempts.h"

namespace imagebatch::cluster {
namespace {

using plan::Phase;

constexpr int kLogTries = 2;

}  // namespace

// Its build has ended: its Job too, or that is gone, or another container of its Pod lives on and the Job is
// to be deleted. The evidence of a hang is stored before the attempt counts as ended: then comes the next
// one, or its Job goes, and the log with it. The log's end is read first where it may hold the only reason,
// or is about to go.
void Attempts::ConcludeEnded(const std::string& name, Live& live, Now now) {
  if (live.asking) return;
  timers_.Set(name, std::nullopt);
  const bool deleted = live.job->gone && !Finished(*live.job);
  const bool outlived = !deleted && !Finished(*live.job);
  // One that went without a word was removed before it ended
  const bool removed = live.pod && live.pod->gone && !Ended(*live.pod) && !live.pod->deleting;
  Outcome outcome = deleted    ? OutcomeOfDeleted(*live.job, now.wall)
                    : outlived ? OutcomeOfPod(*live.job, *live.pod)
                               : OutcomeOf(*live.job, removed ? std::nullopt : live.pod);
  if (outcome.cause == plan::Cause::Hang && !std::exchange(live.kept, true))
    evidence_.KeepEnded(*live.job, *live.pod, outcome);
  if (evidence_.Busy(name)) return;
  const bool reads = outlived || (!outcome.succeeded && outcome.reason == "Error");
  if (reads && !LogEndKnown(name, live, now)) return;
  if (outcome.succeeded && batch_.skip_existing && !PushKnown(name, live, now)) return;
  pushed_.Take(name, live.build, outcome);
  AddLogEnd(outcome, live.log_end.value_or(""));
  if (outlived) outcome.log_end = live.log_end.value_or("");
  Conclude(name, std::move(outcome), now, outlived ? OutlivedBy(*live.pod) : std::string());
}

// False: the registry is being asked for its image, or is to be; the attempt is looked at again then.
bool Attempts::PushKnown(const std::string& name, const Live& live, Now now) {
  if (pushed_.Known(name, live.build, now, [this, name](Now then) { Advance(name, then); })) return true;
  timers_.Set(name, pushed_.Due(name));
  return false;
}

// False: it is being read, or is to be; the attempt is looked at again then.
bool Attempts::LogEndKnown(const std::string& name, Live& live, Now now) {
  if (live.log_end || !live.pod || live.pod->gone || !Ended(*live.pod)) return true;
  if (!live.backoff.Due(now.steady)) {
    timers_.Set(name, live.backoff.next());
    return false;
  }
  live.asking = true;
  client_.ReadLogEnd(*live.pod, [this, name](const JobClient::Reply& reply, Now replied) {
    Live* found = Answered(name);
    if (found == nullptr) return;
    if (reply.answer == JobClient::Answer::Done) {
      found->log_end = reply.message;
    } else if (reply.answer == JobClient::Answer::Absent || ++found->log_failures >= kLogTries) {
      found->log_end = "";
    } else {
      found->backoff.Failed(replied.steady);
    }
    Advance(name, replied);
  });
  return false;
}

void Attempts::EndAll(const EndOfAll& ending, Now now) {
  std::vector<std::string> names;
  for (const auto& [name, live] : live_) {
    if (live.course.concluded) continue;
    // What is being asked, or is to be, may find a Job; the next call ends it then
    const bool refused = !live.job && !live.asking && !live.course.taken;
    if (refused || (live.job && !Finished(*live.job))) names.push_back(name);
  }
  for (const std::string& name : names) End(name, ending.cause, ending.reason, ending.message, now);
}

// One whose create was lost may have a Job all the same: the watch brings it, and it is followed.
void Attempts::RetractUncreated() {
  std::vector<std::string> names;
  for (const auto& [name, live] : live_) {
    if (!live.course.concluded && !live.asking && NeedOf(live, live.course) == Need::Create)
      names.push_back(name);
  }
  for (const std::string& name : names) {
    const Live& live = live_.at(name);
    plan_.Retract(live.build, live.attempt);
    Forget(name);
  }
}

// Concludes an attempt from here; its Job, where it has one, is deleted once the result is stored.
void Attempts::End(const std::string& name, plan::Cause cause, const std::string& reason,
                   const std::string& message, Now now) {
  const Live& live = live_[name];
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
  Conclude(name, std::move(outcome), now);
}

void Attempts::Conclude(const std::string& name, Outcome outcome, Now now, std::string outlived_by) {
  GatherHappenings();
  Live& live = live_.at(name);
  const Phase phase = outcome.succeeded ? Phase::Succeeded : Phase::Failed;
  if (live.job && Finished(*live.job)) Advanced(outcome.finished, now);
  const auto verdict = verdicts_.End(name);
  Concluded concluded{
      live.build, live.attempt, name, std::move(outcome), {}, evidence_.Forget(name), std::move(outlived_by)};
  if (concluded.outcome.succeeded) {
    concluded.evidence = {};
  } else {
    concluded.verdict = verdict;
  }
  const bool to_delete = live.job && !live.job->gone && !Finished(*live.job);
  concluded.to_delete = to_delete;
  plan_.Occupy(live.build);  // until it is forgotten
  plan_.Observe(live.build, {live.attempt, phase, concluded.outcome.cause, concluded.outcome.finished});
  happenings_.push_back(std::move(concluded));
  unstored_.insert(name);
  live.course.cut_short = to_delete;
  live.course.concluded = true;
  const uint32_t build = live.build;
  Advance(name, now);
  if (phase == Phase::Succeeded) ForgetUncreated(build);
}

// Another attempt of the build may wait for its Job to be created, where this one was found late.
void Attempts::ForgetUncreated(uint32_t build) {
  const std::vector<plan::Attempt> attempts = plan_.attempts(build);
  for (const plan::Attempt& attempt : attempts) {
    const std::string name = builds_.JobName(build, attempt.number);
    const Live* live = Find(name);
    if (live != nullptr && !live->asking && NeedOf(*live, live->course) == Need::Create) Forget(name);
  }
}

}  // namespace imagebatch::cluster
