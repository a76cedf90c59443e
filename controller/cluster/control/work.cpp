#include "cluster/control/work.h"

#include <algorithm>

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
      forecast_(batch, plan_) {
  for (const ResultKey& key : stored) {
    const auto build = builds_.Find(key.build);
    if (!build) continue;
    if (key.skipped) {
      plan_.Answer(*build, true);
      last_success_ = std::max(last_success_, key.finished);
      continue;
    }
    const plan::Phase phase = key.succeeded ? plan::Phase::Succeeded : plan::Phase::Failed;
    plan_.Observe(*build, {key.attempt, phase, key.cause, key.finished});
    hangs_.Stored(key.hangs);
    if (key.verdict) groups_.Ended(key.verdict->alike, key.verdict->class_name, key.verdict->since);
    if (key.succeeded) {
      last_success_ = std::max(last_success_, key.finished);
      forecast_.Finished(*build, key.seconds);
    } else {
      NoteFailed(*build, key.attempt, key.reason, key.message);
    }
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

void Work::Step(const plan::Policy& policy, Now now) {
  attempts_.AllowCreates(!policy.suspend && !policy.expired);
  attempts_.Step(now);
  if (policy.expired)
    attempts_.EndAll("DeadlineExceeded", "the batch ran longer than its activeDeadlineSeconds", now);
  for (const Happening& happening : attempts_.TakeHappenings())
    std::visit([&](const auto& each) { Record(each, now); }, happening);
  plan_.SetPolicy(policy);
  lookups_.Step(!policy.suspend && !policy.expired, now);
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
                              hangs_.End(concluded.job, outcome)};
  if (const auto hang = HangAtEnd(outcome, concluded.verdict))
    groups_.Ended(hang->alike, hang->class_name, hang->since);
  const uint64_t number = sinks_.results.Add(ResultLine(subject, outcome, now.wall), now);
  unstored_.emplace(number, concluded.job);
  if (concluded.to_delete) sinks_.results.Hurry();

  const std::string result = outcome.succeeded ? "succeeded" : "failed";
  ++sinks_.totals.attempts[{result, outcome.reason}];
  const double seconds = std::max(0.0, UnixSeconds(outcome.finished) - UnixSeconds(outcome.started));
  if (outcome.exit_code) {  // its container ran
    auto [at, added] = sinks_.totals.build_duration.try_emplace(
        result, metrics::Histogram({1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200}));
    at->second.Observe(seconds);
  }
  forecast_.Ended(concluded.build, now);

  if (!concluded.outlived_by.empty() && outlived_told_.insert(concluded.outlived_by).second) {
    sinks_.events.Normal("PodOutlivedBuild",
                         "build " + builds_.name(concluded.build) + " of stage " + stage +
                             " has ended but its Pod has not (" + concluded.outlived_by +
                             "); its Job will be deleted once its result is stored",
                         now);
  }
  if (outcome.succeeded) return forecast_.Finished(concluded.build, seconds);
  log::Warn("attempt " + std::to_string(concluded.attempt) + " of build " + builds_.name(concluded.build) +
                " failed: " + outcome.message,
            {batch_.ns, batch_.name, concluded.job, outcome.reason});
  NoteFailed(concluded.build, concluded.attempt, outcome.reason, outcome.message);
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
  if (!stall) hangs_.Seen(change.job, change.verdict);
  const size_t alike = stall ? 0 : attempts_.flagged().alike(change.verdict.alike.fingerprint);
  sinks_.events.Warning(stall ? "BuildStalled" : "BuildHung",
                        subject + What(change.verdict, alike) + Describe(change.evidence), now);
  auto& delays = sinks_.totals.hang_detection_delay;
  auto [at, added] =
      delays.try_emplace(change.verdict.class_name, metrics::Histogram({1, 2, 5, 10, 15, 30, 60, 120, 300}));
  const double delay = UnixSeconds(now.wall) - UnixSeconds(change.verdict.since);
  at->second.Observe(std::max(0.0, delay));
  log::Info(subject + " was flagged " + Seconds(delay) + " after the verdict was due",
            {batch_.ns, batch_.name, change.job, stall ? "BuildStalled" : "BuildHung"});
}

void Work::Record(const EvidenceRefused& refused, Now now) {
  sinks_.events.Warning("EvidenceNotStored",
                        "ImageBatchRecord " + refused.record +
                            " with the evidence of a hang could not be stored: " + refused.message,
                        now);
}

void Work::NoteFailed(uint32_t build, int attempt, const std::string& reason, const std::string& message) {
  std::erase_if(failed_, [&](const auto& entry) { return entry.first == build; });
  if (failed_.size() == kListed) failed_.pop_front();
  failed_.push_back({build,
                     {builds_.stage(build).name, Cut(builds_.name(build), 253), Printable(reason, 64),
                      Printable(message, 512), attempt}});
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

std::vector<FlaggedEntry> Work::Flagged(Verdict::Kind kind) const {
  std::vector<FlaggedEntry> entries;
  for (const VerdictChange* flagged : attempts_.flagged().First(kind, kListed)) {
    entries.push_back({builds_.stage(flagged->build).name, Cut(builds_.name(flagged->build), 253),
                       flagged->verdict.class_name, flagged->pod, flagged->node, flagged->verdict.message,
                       flagged->attempt, flagged->verdict.since, flagged->evidence, flagged->verdict.alike});
  }
  return entries;
}

void Work::Fill(Summary& summary) const {
  for (size_t stage = 0; stage < batch_.stages.size(); ++stage) {
    summary.stages.push_back(batch_.stages[stage].name);
    summary.counts.push_back(plan_.counts(stage));
    summary.slow.push_back(forecast_.slow(stage));
  }
  summary.hung = static_cast<int64_t>(attempts_.flagged().size(Verdict::Kind::Hang));
  summary.stalled = static_cast<int64_t>(attempts_.flagged().size(Verdict::Kind::Stall));
  summary.hung_builds = Flagged(Verdict::Kind::Hang);
  summary.stalled_builds = Flagged(Verdict::Kind::Stall);
  summary.hang_groups = groups_.With(attempts_.flagged().Groups());
  for (auto& [build, entry] : forecast_.SlowBuilds()) {
    entry.name = Cut(builds_.name(build), 253);
    summary.slow_builds.push_back(std::move(entry));
  }
  if (!plan_.Finished()) summary.end = forecast_.end();
  for (const auto& [build, entry] : failed_) {
    if (plan_.state(build) == State::Failed) summary.failed_builds.push_back(entry);
  }
}

void Work::Fill(metrics::BatchSample& sample) const {
  for (size_t stage = 0; stage < batch_.stages.size(); ++stage) {
    const plan::Counts& counts = plan_.counts(stage);
    sample.stages.push_back({batch_.stages[stage].name, counts[State::Waiting], counts[State::Queued],
                             counts[State::Held], counts[State::Pending], counts[State::Running],
                             counts[State::Succeeded], counts[State::Skipped], counts[State::Failed],
                             forecast_.slow(stage)});
  }
  sample.working = static_cast<int64_t>(attempts_.working());
  for (const auto& [name, count] : attempts_.flagged().by_class(Verdict::Kind::Hang))
    sample.hung_by_class[name] = count;
  for (const auto& [name, count] : attempts_.flagged().by_class(Verdict::Kind::Stall))
    sample.stalled_by_class[name] = count;
  sample.hangs = hangs_.total();
  for (const FlaggedEntry& hung : Flagged(Verdict::Kind::Hang)) {
    sample.hung.push_back(
        {hung.stage, hung.name, hung.class_name, hung.alike.fingerprint, hung.pod, hung.node, hung.since});
  }
  for (const HangGroup& group : groups_.With(attempts_.flagged().Groups()))
    sample.hang_groups.push_back(
        {group.class_name, group.alike.fingerprint, group.alike.summary, group.hanging});
  if (const auto& end = forecast_.end(); end && !plan_.Finished()) {
    sample.end = metrics::EndEstimate{end->earliest, end->likely, end->latest};
  }
}

}  // namespace imagebatch::cluster
