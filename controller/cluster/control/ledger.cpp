#include "cluster/control/ledger.h"

#include <algorithm>

#include "base/text.h"

namespace imagebatch::cluster {

using plan::State;

plan::Policy PolicyOf(const batch::Batch& batch) {
  plan::Policy policy;
  policy.parallelism = batch.parallelism;
  policy.first_builds = batch.first_builds;
  policy.backoff_limit = batch.backoff_limit;
  policy.infrastructure_retry_limit = batch.infrastructure_retry_limit;
  for (const batch::Stage& stage : batch.stages) {
    policy.stage_parallelism.push_back(stage.parallelism);
    policy.retry_hung.push_back(batch::Override(batch.hang, stage.hang).action == batch::HangAction::Retry);
  }
  return policy;
}

void Ledger::Stored(uint32_t build, const ResultKey& key) {
  if (key.skipped) return plan_.Answer(build, true);
  const plan::Phase phase = key.succeeded ? plan::Phase::Succeeded : plan::Phase::Failed;
  plan_.Observe(build, {key.attempt, phase, key.cause, key.finished, key.round});
  hangs_.Stored(key.hangs);
  if (key.verdict) groups_.Ended(key.verdict->alike, key.verdict->class_name, key.verdict->since);
  if (key.succeeded) return forecast_.Finished(build, key.seconds);
  NoteFailed(build, key.attempt, key.reason, key.message);
}

void Ledger::Flagged(const std::string& job, const Verdict& verdict, metrics::Totals& totals, Now now) {
  if (verdict.kind == Verdict::Kind::Hang) hangs_.Seen(job, verdict);
  auto [at, added] = totals.hang_detection_delay.try_emplace(
      verdict.class_name, metrics::Histogram({1, 2, 5, 10, 15, 30, 60, 120, 300}));
  at->second.Observe(std::max(0.0, UnixSeconds(now.wall) - UnixSeconds(verdict.since)));
}

void Ledger::Ended(uint32_t build, int attempt, const Outcome& outcome, const std::optional<Verdict>& hang,
                   metrics::Totals& totals) {
  if (hang) groups_.Ended(hang->alike, hang->class_name, hang->since);
  const std::string result = outcome.succeeded ? "succeeded" : "failed";
  ++totals.attempts[{result, outcome.reason}];
  const double seconds = std::max(0.0, UnixSeconds(outcome.finished) - UnixSeconds(outcome.started));
  if (outcome.exit_code) {  // its container ran
    auto [at, added] = totals.build_duration.try_emplace(
        result, metrics::Histogram({1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200}));
    at->second.Observe(seconds);
  }
  if (outcome.succeeded) return forecast_.Finished(build, seconds);
  NoteFailed(build, attempt, outcome.reason, outcome.message);
}

void Ledger::NoteFailed(uint32_t build, int attempt, const std::string& reason, const std::string& message) {
  std::erase_if(failed_, [&](const auto& entry) { return entry.first == build; });
  if (failed_.size() == kListed) failed_.pop_front();
  failed_.push_back({build,
                     {builds_.stage(build).name, Cut(builds_.name(build), 253), Printable(reason, 64),
                      Printable(message, 512), attempt}});
}

std::vector<FlaggedEntry> Ledger::Entries(const FlaggedList& flagged, Verdict::Kind kind) const {
  std::vector<FlaggedEntry> entries;
  for (const VerdictChange* one : flagged.First(kind, kListed)) {
    entries.push_back({builds_.stage(one->build).name, Cut(builds_.name(one->build), 253),
                       one->verdict.class_name, one->pod, one->node, one->verdict.message, one->attempt,
                       one->verdict.since, one->evidence, one->verdict.alike});
  }
  return entries;
}

void Ledger::Fill(Summary& summary, const FlaggedList& flagged) const {
  for (size_t stage = 0; stage < batch_.stages.size(); ++stage) {
    summary.stages.push_back(batch_.stages[stage].name);
    summary.counts.push_back(plan_.counts(stage));
    summary.slow.push_back(forecast_.slow(stage));
  }
  summary.hung = static_cast<int64_t>(flagged.size(Verdict::Kind::Hang));
  summary.stalled = static_cast<int64_t>(flagged.size(Verdict::Kind::Stall));
  summary.hung_builds = Entries(flagged, Verdict::Kind::Hang);
  summary.stalled_builds = Entries(flagged, Verdict::Kind::Stall);
  summary.hang_groups = groups_.With(flagged.Groups());
  for (auto& [build, entry] : forecast_.SlowBuilds()) {
    entry.name = Cut(builds_.name(build), 253);
    summary.slow_builds.push_back(std::move(entry));
  }
  if (!plan_.Finished()) summary.end = forecast_.end();
  for (const auto& [build, entry] : failed_) {
    if (plan_.state(build) == State::Failed) summary.failed_builds.push_back(entry);
  }
}

void Ledger::Fill(metrics::BatchSample& sample, const FlaggedList& flagged) const {
  for (size_t stage = 0; stage < batch_.stages.size(); ++stage) {
    const plan::Counts& counts = plan_.counts(stage);
    sample.stages.push_back({batch_.stages[stage].name, counts[State::Waiting], counts[State::Queued],
                             counts[State::Held], counts[State::Pending], counts[State::Running],
                             counts[State::Succeeded], counts[State::Skipped], counts[State::Failed],
                             forecast_.slow(stage)});
  }
  for (const auto& [name, count] : flagged.by_class(Verdict::Kind::Hang)) sample.hung_by_class[name] = count;
  for (const auto& [name, count] : flagged.by_class(Verdict::Kind::Stall))
    sample.stalled_by_class[name] = count;
  sample.hangs = hangs_.total();
  for (const FlaggedEntry& hung : Entries(flagged, Verdict::Kind::Hang)) {
    sample.hung.push_back(
        {hung.stage, hung.name, hung.class_name, hung.alike.fingerprint, hung.pod, hung.node, hung.since});
  }
  for (const HangGroup& group : groups_.With(flagged.Groups()))
    sample.hang_groups.push_back(
        {group.class_name, group.alike.fingerprint, group.alike.summary, group.hanging});
  if (const auto& end = forecast_.end(); end && !plan_.Finished()) {
    sample.end = metrics::EndEstimate{end->earliest, end->likely, end->latest};
  }
}

}  // namespace imagebatch::cluster
