#include "cluster/control/work.h"

#include <algorithm>
#include <unordered_set>

#include "base/keep_sooner.h"
#include "base/text.h"
#include "cluster/objects/names.h"
#include "cluster/watch/stall.h"
#include "log/log.h"

namespace imagebatch::cluster {
namespace {

using plan::State;

/// Starts nothing until the first Step brings the real one.
plan::Policy Nothing() {
  plan::Policy policy;
  policy.suspend = true;
  return policy;
}

/// For the end of an Event's text.
std::string Describe(const EvidenceReference& evidence) {
  if (evidence.record.empty()) return "";
  return "; evidence in ImageBatchRecord " + evidence.record + ", SHA-256 " + evidence.sha256;
}

/// The first of those that hang alike is told with all that was seen, the others with what they have in
/// common. `alike`: builds that hang so now, this one included.
std::string What(const Verdict& verdict, size_t alike) {
  if (verdict.kind == Verdict::Kind::Stall)
    return " is stalled (" + verdict.class_name + "): " + verdict.message;
  if (alike < 2) return " hangs (" + verdict.class_name + ", " + verdict.reason + "): " + verdict.message;
  return " hangs (" + verdict.class_name + ", " + verdict.reason + ") like " + std::to_string(alike - 1) +
         (alike == 2 ? " other: " : " others: ") + verdict.alike.summary;
}

std::string Seconds(double seconds) { return std::to_string(static_cast<int64_t>(seconds)) + " s"; }

}  // namespace

Work::Work(const batch::Batch& batch, batch::Expansion expansion, RunnerKit& kit,
           const std::deque<ResultKey>& stored, Sinks sinks)
    : batch_(batch),
      builds_(batch, std::move(expansion)),
      sinks_(sinks),
      plan_(builds_.Graph(), batch.stages.size(), Nothing()),
      attempts_(batch, builds_, kit, plan_, sinks.channel),
      lookups_(builds_, plan_, sinks.channel),
      forecast_(batch, plan_),
      ledger_(batch, builds_, plan_, forecast_) {
  for (const ResultKey& key : stored) {
    const auto build = builds_.Find(key.build);
    if (!build) continue;
    ledger_.Stored(*build, key);
    if (key.skipped || key.succeeded) last_success_ = std::max(last_success_, key.finished);
  }
}

void Work::Adopt(ParkedObjects left, const Told& told, Now now) {
  held_told_ = told.held;
  std::vector<ToldVerdict> verdicts;
  const auto add = [&](Verdict::Kind kind, const FlaggedEntry& entry) {
    const auto build = builds_.Find(entry.stage, entry.name);
    if (!build) return;
    verdicts.push_back({builds_.JobName(*build, entry.attempt), *build, entry.attempt,
                        Verdict{kind, entry.class_name, "", entry.message, entry.since, entry.alike},
                        entry.pod, entry.node, entry.evidence});
  };
  for (const FlaggedEntry& hung : told.hung_builds) add(Verdict::Kind::Hang, hung);
  for (const FlaggedEntry& stalled : told.stalled_builds) add(Verdict::Kind::Stall, stalled);
  attempts_.Adopt(std::move(left), verdicts, now);
}

RerunJudgement Work::Judge(const batch::Rerun& wanted, const RerunRecord& before, Now now) const {
  std::unordered_set<std::string> unstored;
  for (const auto& [number, job] : unstored_) unstored.insert(job);
  const auto stored = [&](uint32_t build, int attempt) {
    return !unstored.contains(builds_.JobName(build, attempt));
  };
  return JudgeRerun(wanted, before, builds_, plan_, batch_.max_failed_builds, stored, now.wall);
}

// How many have failed depends on the limits, and on nothing that follows from too many of them.
void Work::SetPolicy(plan::Policy policy) {
  const auto too_many = [&] {
    return batch_.max_failed_builds && plan_.failed() > *batch_.max_failed_builds;
  };
  const bool free = policy.over == plan::FailReason::None;
  if (free && plan_.over() == plan::FailReason::TooManyFailed) policy.over = plan_.over();
  plan_.SetPolicy(policy);
  if (!free || too_many() == (plan_.over() == plan::FailReason::TooManyFailed)) return;
  policy.over = too_many() ? plan::FailReason::TooManyFailed : plan::FailReason::None;
  plan_.SetPolicy(policy);
}

void Work::Step(const plan::Policy& policy, const std::optional<EndOfAll>& ending, Now now) {
  SetPolicy(policy);
  attempts_.AllowCreates(!policy.suspend && plan_.over() == plan::FailReason::None);
  attempts_.Step(now);
  if (ending) attempts_.EndAll(*ending, now);
  for (const Happening& happening : attempts_.TakeHappenings())
    std::visit([&](const auto& each) { Record(each, now); }, happening);
  SetPolicy(policy);  // one may have failed that is one too many
  if (plan_.over() != plan::FailReason::None && !ending) attempts_.RetractUncreated();
  lookups_.Step(!policy.suspend && plan_.over() == plan::FailReason::None, now);
  for (const Lookups::Found& found : lookups_.TakeFound()) Skip(found, now);
  for (const plan::Start& start : plan_.Decide(now.wall)) attempts_.Start(start, now);
  forecast_.Step(attempts_.flagged(), now);
  const bool held = plan_.Total()[State::Held] > 0;
  if (std::exchange(held_, held) && !held) held_told_ = false;
  ReleaseStored(now);
  sinks_.results.Step(now);
}

std::optional<SteadyTime> Work::Next(Now now) const {
  std::optional<SteadyTime> next = attempts_.Next();
  KeepSooner(next, lookups_.Next());
  const auto retry = plan_.NextRetry();
  if (retry) KeepSooner(next, now.steady + std::max(*retry - now.wall, Duration(0)));
  if (const auto forecast = forecast_.Next())
    KeepSooner(next, now.steady + std::max(*forecast - now.wall, Duration(0)));
  KeepSooner(next, sinks_.results.Next());
  return next;
}

// It waits for its line to be stored as a result does: what was skipped and not stored is asked again.
void Work::Skip(const Lookups::Found& found, Now now) {
  ResultSubject subject;
  subject.stage = builds_.stage(found.build).name;
  subject.name = builds_.name(found.build);
  subject.image = builds_.image(found.build);
  subject.build_hash = builds_.hash(found.build);
  sinks_.results.Add(SkippedLine(subject, found.digest, now.wall), now);
  last_success_ = std::max(last_success_, now.wall);
  log::Info("build " + subject.name + " of stage " + subject.stage + " is skipped: its image exists, " +
                found.digest,
            {batch_.ns, batch_.name, {}, "BuildSkipped"});
}

void Work::Record(const Ran& ran, Now now) { forecast_.Ran(ran.build, ran.attempt, ran.pod, ran.since, now); }

void Work::Record(const Concluded& concluded, Now now) {
  const std::string& stage = builds_.stage(concluded.build).name;
  const Outcome& outcome = concluded.outcome;
  const ResultSubject subject{stage,
                              builds_.name(concluded.build),
                              builds_.image(concluded.build),
                              std::string(builds_.hash(concluded.build)),
                              concluded.job,
                              concluded.attempt,
                              concluded.verdict,
                              concluded.evidence,
                              ledger_.TakeHangs(concluded.job, outcome),
                              plan_.round(concluded.build, concluded.attempt)};
  const uint64_t number = sinks_.results.Add(ResultLine(subject, outcome, now.wall), now);
  unstored_.emplace(number, concluded.job);
  if (concluded.to_delete) sinks_.results.Hurry();

  forecast_.Ended(concluded.build, now);
  ledger_.Ended(concluded.build, concluded.attempt, outcome, HangAtEnd(outcome, concluded.verdict),
                sinks_.totals);

  if (!concluded.outlived_by.empty() && outlived_told_.insert(concluded.outlived_by).second) {
    sinks_.events.Normal("PodOutlivedBuild",
                         "build " + builds_.name(concluded.build) + " of stage " + stage +
                             " has ended but its Pod has not (" + concluded.outlived_by +
                             "); its Job will be deleted once its result is stored",
                         now);
  }
  if (outcome.succeeded) return;
  log::Warn("attempt " + std::to_string(concluded.attempt) + " of build " + builds_.name(concluded.build) +
                " failed: " + outcome.message,
            {batch_.ns, batch_.name, concluded.job, outcome.reason});
  if (outcome.cause == plan::Cause::Hang) {
    sinks_.events.Warning("HungBuildEnded",
                          "build " + builds_.name(concluded.build) + " of stage " + stage +
                              " was ended because it hung (" + outcome.class_name + "): " + outcome.message +
                              Describe(concluded.evidence),
                          now);
  }
  if (plan_.state(concluded.build) == State::Failed) {
    sinks_.events.Warning("BuildFailed",
                          "build " + builds_.name(concluded.build) + " of stage " + stage +
                              " failed for good in attempt " + std::to_string(concluded.attempt) + " (" +
                              outcome.reason + "): " + outcome.message,
                          now);
  }
}

// Those that are held are held together, and are all let go by others: the first speaks.
void Work::Record(const Held& held, Now now) {
  forecast_.Ended(held.build, now);
  if (std::exchange(held_told_, true)) return;
  sinks_.events.Normal("BuildsHeld",
                       "build " + builds_.name(held.build) + " of stage " + builds_.stage(held.build).name +
                           " is on hold and will continue by itself when it can: " + held.why,
                       now);
}

void Work::Record(const VerdictChange& change, Now now) {
  const std::string subject =
      "build " + builds_.name(change.build) + " of stage " + builds_.stage(change.build).name;
  const bool stall = change.verdict.kind == Verdict::Kind::Stall;
  if (!change.stands) {
    sinks_.events.Normal("BuildRecovered",
                         subject + (stall ? " is no longer stalled" : " is making progress again"), now);
    return;
  }
  const size_t alike = stall ? 0 : attempts_.flagged().alike(change.verdict.alike.fingerprint);
  sinks_.events.Warning(stall ? "BuildStalled" : "BuildHung",
                        subject + What(change.verdict, alike) + Describe(change.evidence), now);
  ledger_.Flagged(change.job, change.verdict, sinks_.totals, now);
  const double delay = UnixSeconds(now.wall) - UnixSeconds(change.verdict.since);
  log::Info(subject + " was flagged " + Seconds(delay) + " after the verdict was due",
            {batch_.ns, batch_.name, change.job, stall ? "BuildStalled" : "BuildHung"});
}

void Work::Record(const EvidenceRefused& refused, Now now) {
  sinks_.events.Warning("EvidenceNotStored",
                        "ImageBatchRecord " + refused.record +
                            " with the evidence of a hang could not be stored: " + refused.message,
                        now);
}

// A Job whose attempt was ended from here goes only after its result is stored: a crash in between must find
// one of the two. That of another build is no reason to wait.
void Work::ReleaseStored(Now now) {
  if (unstored_.size() == sinks_.results.waiting()) return;
  for (auto at = unstored_.begin(); at != unstored_.end();) {
    if (!sinks_.results.Stored(at->first)) {
      ++at;
      continue;
    }
    const std::string job = std::move(at->second);
    at = unstored_.erase(at);
    attempts_.Stored(job, now);
  }
}

bool Work::MayTryAgain() const {
  for (uint32_t build = 0; build < plan_.size(); ++build) {
    const State state = plan_.state(build);
    if (!plan_.attempts(build).empty() && state != State::Succeeded && state != State::Failed) return true;
  }
  return false;
}

void Work::Fill(Summary& summary) const { ledger_.Fill(summary, attempts_.flagged()); }

void Work::Fill(metrics::BatchSample& sample) const {
  ledger_.Fill(sample, attempts_.flagged());
  sample.working = static_cast<int64_t>(attempts_.working());
}

}  // namespace imagebatch::cluster
