#include "cluster/work.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "cluster/job_object.h"
#include "cluster/names.h"
#include "cluster/stall.h"

namespace imagebatch::cluster {
namespace {

using plan::State;

std::vector<std::string> Hashes(const batch::Batch& batch, const batch::Expansion& expansion) {
  std::vector<std::string> hashes;
  hashes.reserve(expansion.builds.size());
  for (const batch::Build& build : expansion.builds) {
    hashes.push_back(BuildHash(batch.uid, batch.stages[build.stage].name, build.key));
  }
  return hashes;
}

std::vector<plan::Node> Nodes(const batch::Expansion& expansion) {
  std::vector<plan::Node> nodes;
  nodes.reserve(expansion.builds.size());
  for (const batch::Build& build : expansion.builds) {
    nodes.push_back({build.stage, {build.needs.begin(), build.needs.end()}});
  }
  return nodes;
}

/// Starts nothing until the first Step brings the real one.
plan::Policy Nothing() {
  plan::Policy policy;
  policy.suspend = true;
  return policy;
}

/// For the end of an Event's text.
std::string Describe(const EvidenceReference& evidence) {
  if (evidence.config_map.empty()) return "";
  return "; evidence in ConfigMap " + evidence.config_map + ", SHA-256 " + evidence.sha256;
}

std::string Seconds(double seconds) { return std::to_string(static_cast<int64_t>(seconds)) + " s"; }

}  // namespace

Work::Work(const batch::Batch& batch, batch::Expansion expansion, RunnerKit& kit,
           const std::vector<ResultKey>& stored, Sinks sinks)
    : batch_(batch),
      expansion_(std::move(expansion)),
      hashes_(Hashes(batch, expansion_)),
      sinks_(sinks),
      plan_(Nodes(expansion_), batch.stages.size(), Nothing()),
      attempts_(batch, expansion_, hashes_, kit, plan_, sinks.requests, sinks.owner),
      forecast_(batch, plan_) {
  std::unordered_map<std::string_view, uint32_t> build_of;
  for (uint32_t i = 0; i < hashes_.size(); ++i) build_of.emplace(hashes_[i], i);
  for (const ResultKey& key : stored) {
    const auto build = build_of.find(key.build);
    if (build == build_of.end()) continue;
    const plan::Phase phase = key.succeeded ? plan::Phase::Succeeded : plan::Phase::Failed;
    plan_.Observe(build->second, {key.attempt, phase, key.cause, key.finished});
    if (key.succeeded) {
      forecast_.Finished(build->second, key.seconds);
    } else {
      NoteFailed(build->second, key.attempt, key.reason, key.message);
    }
  }
}

std::string Work::Name(uint32_t build) const { return expansion_.builds[build].key; }

void Work::Step(const plan::Policy& policy, Now now) {
  attempts_.Step(now);
  if (policy.expired)
    attempts_.EndAll("DeadlineExceeded", "the batch ran longer than its activeDeadlineSeconds", now);
  for (const Attempts::Ran& ran : attempts_.TakeRan())
    forecast_.Ran(ran.build, ran.attempt, ran.pod, ran.since, now);
  for (const Attempts::Concluded& concluded : attempts_.TakeConcluded()) Record(concluded, now);
  plan_.SetPolicy(policy);
  // A Job that is yet to be deleted still counts, and its build's next attempt must not stand beside it
  if (attempts_.OnlyLive()) {
    for (const plan::Start& start : plan_.Decide(now.wall)) attempts_.Start(start, now);
  }
  for (const HangChange& change : attempts_.TakeHangChanges()) Record(change, now);
  Foresee(now);
  for (const Attempts::Refused& refused : attempts_.TakeRefused()) {
    sinks_.events.Warning(
        "JobNotCreated",
        "Job " + refused.job + " could not be created and is tried again: " + refused.message, now);
  }
  for (const EvidenceKeeper::Refused& refused : attempts_.TakeRefusedEvidence()) {
    sinks_.events.Warning("EvidenceNotStored",
                          "ConfigMap " + refused.config_map +
                              " with the evidence of a hang could not be stored: " + refused.message,
                          now);
  }
  DeleteLeftovers(now);
  sinks_.results.Step(now);
}

std::optional<SteadyTime> Work::Next(Now now) const {
  std::optional<SteadyTime> next = attempts_.Next();
  const auto sooner = [&](std::optional<SteadyTime> other) {
    if (other && (!next || *other < *next)) next = other;
  };
  const auto retry = plan_.NextRetry();
  if (retry && attempts_.OnlyLive()) sooner(now.steady + std::max(*retry - now.wall, Duration(0)));
  if (const auto forecast = forecast_.Next())
    sooner(now.steady + std::max(*forecast - now.wall, Duration(0)));
  sooner(sinks_.results.Next());
  const SteadyTime leftover = attempts_.NextLeftover();
  if (leftover != SteadyTime::max() && sinks_.results.Empty() && attempts_.EvidenceSettled())
    sooner(leftover);
  return next;
}

void Work::Record(const Attempts::Concluded& concluded, Now now) {
  const batch::Build& build = expansion_.builds[concluded.build];
  const std::string& stage = StageOf(concluded.build).name;
  const Outcome& outcome = concluded.outcome;
  const ResultSubject subject{
      stage,         Name(concluded.build), build.image,       hashes_[concluded.build],
      concluded.job, concluded.attempt,     concluded.verdict, concluded.evidence};
  sinks_.results.Add(ResultLine(subject, outcome, now.wall), now);

  const std::string result = outcome.succeeded ? "succeeded" : "failed";
  ++sinks_.totals.attempts[{result, outcome.reason}];
  auto& durations = sinks_.totals.build_duration;
  auto [at, added] = durations.try_emplace(
      {stage, result}, metrics::Histogram({1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200}));
  const double seconds = std::max(0.0, UnixSeconds(outcome.finished) - UnixSeconds(outcome.started));
  at->second.Observe(seconds);
  forecast_.Ended(concluded.build, now);

  if (outcome.succeeded) return forecast_.Finished(concluded.build, seconds);
  log::Warn("attempt " + std::to_string(concluded.attempt) + " of build " + Name(concluded.build) +
                " failed: " + outcome.message,
            {batch_.ns, batch_.name, concluded.job, outcome.reason});
  NoteFailed(concluded.build, concluded.attempt, outcome.reason, outcome.message);
  if (outcome.cause == plan::Cause::Hang) {
    sinks_.events.Warning("HungBuildEnded",
                          "build " + Name(concluded.build) + " of stage " + stage +
                              " was ended because it hung (" + outcome.klass + "): " + outcome.message +
                              Describe(concluded.evidence),
                          now);
  }
  if (plan_.state(concluded.build) == State::Failed) {
    sinks_.events.Warning("BuildFailed",
                          "build " + Name(concluded.build) + " of stage " + stage +
                              " failed for good in attempt " + std::to_string(concluded.attempt) + " (" +
                              outcome.reason + "): " + outcome.message,
                          now);
  }
}

void Work::Record(const HangChange& change, Now now) {
  const std::string subject = "build " + Name(change.build) + " of stage " + StageOf(change.build).name;
  const bool stall = IsStall(change.verdict.klass);
  if (!change.hung) {
    sinks_.events.Normal("BuildRecovered",
                         subject + (stall ? " is not held up any more" : " makes progress again"), now);
    return;
  }
  const std::string what = stall ? " is held up (" + change.verdict.klass
                                 : " hangs (" + change.verdict.klass + ", " + change.verdict.reason;
  sinks_.events.Warning(stall ? "BuildStalled" : "BuildHung",
                        subject + what + "): " + change.verdict.message + Describe(change.evidence), now);
  auto& delays = sinks_.totals.hang_detection_delay;
  auto [at, added] =
      delays.try_emplace(change.verdict.klass, metrics::Histogram({1, 2, 5, 10, 15, 30, 60, 120, 300}));
  const double delay = UnixSeconds(now.wall) - UnixSeconds(change.verdict.since);
  at->second.Observe(std::max(0.0, delay));
  log::Info(subject + " was flagged " + Seconds(delay) + " after the verdict was due",
            {batch_.ns, batch_.name, change.job, stall ? "BuildStalled" : "BuildHung"});
}

void Work::Foresee(Now now) {
  std::set<uint32_t> hung;
  for (const auto& [job, change] : attempts_.hung()) hung.insert(change.build);
  forecast_.Step(hung, now);
}

void Work::NoteFailed(uint32_t build, int attempt, const std::string& reason, const std::string& message) {
  std::erase_if(failed_, [&](const auto& entry) { return entry.first == build; });
  if (failed_.size() == kListed) failed_.pop_front();
  failed_.push_back({build,
                     {StageOf(build).name, Cut(Name(build), 253), Printable(reason, 64),
                      Printable(message, 512), attempt}});
}

// A Job whose attempt was ended from here goes only after its result is stored: a crash in between must find
// one of the two. Its log goes with it, so the evidence comes first too.
void Work::DeleteLeftovers(Now now) {
  if (!attempts_.HasLeftovers(now) || !attempts_.EvidenceSettled()) return;
  if (!sinks_.results.Empty()) return sinks_.results.Hurry();
  for (const std::string& name : attempts_.TakeLeftovers()) {
    kube::Request request;
    request.method = kube::Method::Delete;
    request.path = JobsPath(batch_.ns) + "/" + name + "?propagationPolicy=Background";
    sinks_.requests.Send(sinks_.owner, std::move(request),
                         [this, name](const Result<kube::Response>& response, Now replied) {
                           attempts_.LeftoverDeleted(name, Ok(response) || HasStatus(response, 404), replied);
                         });
  }
}

std::vector<HungEntry> Work::HungBuilds() const {
  std::vector<HungEntry> entries;
  for (const auto& [job, hang] : attempts_.hung()) {
    entries.push_back({StageOf(hang.build).name, Cut(Name(hang.build), 253), hang.verdict.klass, hang.pod,
                       hang.node, hang.verdict.message, hang.attempt, hang.verdict.since, hang.evidence});
  }
  // Stalls come by the dozen, from one cause; they must not push a hang out of the list
  const auto order = [](const HungEntry& hung) { return std::pair(IsStall(hung.klass), hung.since); };
  std::sort(entries.begin(), entries.end(),
            [&](const HungEntry& a, const HungEntry& b) { return order(a) < order(b); });
  if (entries.size() > kListed) entries.resize(kListed);
  return entries;
}

void Work::Fill(Summary& summary) const {
  for (size_t stage = 0; stage < batch_.stages.size(); ++stage) {
    summary.stages.push_back(batch_.stages[stage].name);
    summary.counts.push_back(plan_.counts(stage));
    summary.slow.push_back(forecast_.slow(stage));
  }
  summary.hung = static_cast<int64_t>(attempts_.hung().size());
  summary.hung_builds = HungBuilds();
  for (auto& [build, entry] : forecast_.SlowBuilds()) {
    entry.name = Cut(Name(build), 253);
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
                             counts[State::Pending], counts[State::Running], counts[State::Succeeded],
                             counts[State::Failed], forecast_.slow(stage)});
  }
  for (const auto& [job, hang] : attempts_.hung()) ++sample.hung_by_class[hang.verdict.klass];
  for (const HungEntry& hung : HungBuilds()) {
    sample.hung.push_back({hung.stage, hung.name, hung.klass, hung.pod, hung.node, hung.since});
  }
  if (const auto& end = forecast_.end(); end && !plan_.Finished()) {
    sample.end = metrics::EndEstimate{end->earliest, end->likely, end->latest};
  }
}

}  // namespace imagebatch::cluster
