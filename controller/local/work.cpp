#include "local/work.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/keep_sooner.h"
#include "base/text.h"
#include "cluster/objects/hang_classes.h"
#include "cluster/objects/names.h"
#include "contract/contract.h"
#include "local/layout.h"
#include "local/log_tail.h"

namespace imagebatch::local {
namespace {

using cluster::Outcome;
using cluster::Verdict;
using nlohmann::json;
using plan::State;

constexpr size_t kMostLevels = 32;  // of JSON; the runner writes four
constexpr size_t kLogEndBytes = 1024;

plan::Policy PolicyOf(const batch::Batch& batch, bool stopping, bool expired) {
  plan::Policy policy = cluster::PolicyOf(batch);
  policy.suspend = stopping;
  if (expired) policy.over = plan::FailReason::Expired;
  return policy;
}

std::optional<cluster::Evidence> EvidenceIn(std::string_view state) {
  if (state.empty() || NestedDeeper(state, kMostLevels)) return std::nullopt;
  return cluster::EvidenceOfAccount(json::parse(state, nullptr, false));
}

double Seconds(const Outcome& outcome) {
  return std::max(0.0, UnixSeconds(outcome.finished) - UnixSeconds(outcome.started));
}

std::string Short(double seconds) {
  char text[32];
  snprintf(text, sizeof text, seconds < 10 ? "%.1f s" : "%.0f s", seconds);
  return text;
}

}  // namespace

Work::Work(const batch::Batch& batch, batch::Expansion expansion,
           const std::deque<cluster::ResultKey>& stored, Place place)
    : batch_(batch),
      place_(std::move(place)),
      builds_(batch, std::move(expansion)),
      plan_(builds_.Graph(), batch.stages.size(), PolicyOf(batch, true, false)),
      forecast_(batch, plan_),
      ledger_(batch, builds_, plan_, forecast_) {
  for (const cluster::ResultKey& key : stored) {
    const auto build = builds_.Find(key.build);
    if (build) ledger_.Stored(*build, key);
  }
}

std::string Work::Name(uint32_t build) const {
  return Printable(builds_.stage(build).name + "/" + builds_.name(build), 300);
}

void Work::Tell(Story::Kind kind, const std::string& text) {
  stories_.push_back({kind, Printable(text, 2000)});
}

std::vector<plan::Start> Work::Decide(bool stopping, bool expired, Now now) {
  plan::Policy policy = PolicyOf(batch_, stopping, expired);
  const bool too_many = batch_.max_failed_builds && plan_.failed() > *batch_.max_failed_builds;
  if (too_many && !expired) policy.over = plan::FailReason::TooManyFailed;
  plan_.SetPolicy(policy);
  return plan_.Decide(now.wall);
}

std::optional<Time> Work::Next() const {
  std::optional<Time> next = plan_.NextRetry();
  KeepSooner(next, forecast_.Next());
  return next;
}

json Work::Job(const plan::Start& start, const std::string& marker) const {
  return json::parse(builds_.Job(start, {}, marker));
}

std::string Work::LogPath(const plan::Start& start) const {
  return Layout::Log(builds_.stage(start.build).name, builds_.name(start.build), start.attempt);
}

void Work::Started(const plan::Start& start, const std::string& marker, Now now) {
  live_[start.build] = {start.attempt, marker, now.wall, "", ""};
  plan_.Observe(start.build, {start.attempt, plan::Phase::Running, plan::Cause::Build, {}});
  forecast_.Ran(start.build, start.attempt, "", now.wall, now);
}

Finished Work::NotStarted(const plan::Start& start, const std::string& message, bool command, Now now) const {
  Outcome outcome;
  outcome.cause = command ? plan::Cause::Build : plan::Cause::Infrastructure;
  outcome.reason = "StartError";
  outcome.message = Printable(message, 512);
  outcome.node = place_.machine;
  outcome.started = outcome.finished = now.wall;
  return Conclude(start.build, start.attempt, std::move(outcome), Subject(start.build, start.attempt), now);
}

std::optional<Work::Kept> Work::Saw(uint32_t build, std::string_view state, Now now) {
  Live& live = live_.at(build);
  const std::string job = builds_.JobName(build, live.attempt);
  const cluster::VerdictChange* known = flagged_.Find(job);
  auto evidence = EvidenceIn(state);
  if (!evidence) {
    // What is no state is no news: its file may be read while the disk is full
    const bool goes_on = state.find(contract::kProgressing) != std::string_view::npos;
    if (known == nullptr || !goes_on) return std::nullopt;
    flagged_.Remove(job);
    live.evidence_path.clear();
    live.evidence_sha.clear();
    Tell(Story::Kind::Good, Name(build) + " makes progress again");
    return std::nullopt;
  }
  const Verdict& verdict = evidence->verdict;
  const bool same = known != nullptr && known->verdict.since == verdict.since &&
                    known->verdict.class_name == verdict.class_name;
  if (same) return std::nullopt;
  ledger_.Flagged(job, verdict, totals_, now);
  const std::string path = Layout::Evidence(builds_.stage(build).name, builds_.name(build), live.attempt);
  live.evidence_path = path;
  live.evidence_sha = cluster::Sha256(evidence->json);
  flagged_.Put({job, build, true, verdict, {path, live.evidence_sha}, "", place_.machine, live.attempt});
  Tell(Story::Kind::Bad, Name(build) + " hangs (" + verdict.class_name + ", " + verdict.reason +
                             "): " + verdict.message + "; evidence: " + place_.root + "/" + path);
  return Kept{path, std::move(evidence->json)};
}

cluster::ResultSubject Work::Subject(uint32_t build, int attempt) const {
  cluster::ResultSubject subject;
  subject.stage = builds_.stage(build).name;
  subject.name = builds_.name(build);
  subject.image = builds_.image(build);
  subject.build_hash = std::string(builds_.hash(build));
  subject.job = builds_.JobName(build, attempt);
  subject.attempt = attempt;
  return subject;
}

Finished Work::Conclude(uint32_t build, int attempt, Outcome outcome, const cluster::ResultSubject& subject,
                        Now now) const {
  Finished finished{build, attempt, std::move(outcome), "", {}, subject.hangs};
  finished.verdict = HangAtEnd(finished.outcome, subject.verdict);
  // Where its log is has no place in the cluster's line
  json line = json::parse(cluster::ResultLine(subject, finished.outcome, now.wall));
  line["log_path"] = LogPath({build, attempt});
  finished.line = line.dump(-1, ' ', false, json::error_handler_t::replace);
  return finished;
}

Finished Work::End(uint32_t build, const Ending& ending, std::optional<Kept>& kept, Now now) {
  kept = Saw(build, ending.state, now);
  const auto node = live_.extract(build);
  const Live& live = node.mapped();
  const std::string job = builds_.JobName(build, live.attempt);

  cluster::JobView job_view;
  job_view.created = live.started;
  job_view.finished = now.wall;
  cluster::PodView pod;
  pod.marker = live.marker;
  pod.node = place_.machine;
  pod.build = cluster::ContainerView{};
  pod.build->state = cluster::ContainerView::State::Terminated;
  pod.build->exit_code = ending.exit_code;
  pod.build->message = ending.account;
  pod.build->started = live.started;
  pod.build->finished = now.wall;
  Outcome outcome = cluster::OutcomeOfPod(job_view, pod);
  if (ending.past_deadline) {
    outcome.succeeded = false;
    outcome.cause = plan::Cause::Build;
    outcome.reason = "DeadlineExceeded";
    outcome.message = "the batch ran longer than its activeDeadlineSeconds";
  }
  if (!outcome.succeeded) {
    const std::string log = LogTail(ending.log, live.marker);
    cluster::AddLogEnd(outcome, log);
    outcome.log_end = LastLines(log, kLogEndBytes);
  }
  cluster::ResultSubject subject = Subject(build, live.attempt);
  if (!outcome.succeeded) {
    if (const cluster::VerdictChange* flagged = flagged_.Find(job)) {
      subject.verdict = flagged->verdict;
      subject.evidence = flagged->evidence;
    }
  }
  flagged_.Remove(job);
  subject.hangs = ledger_.TakeHangs(job, outcome);
  forecast_.Ended(build, now);
  return Conclude(build, live.attempt, std::move(outcome), subject, now);
}

void Work::CutShort(uint32_t build, Now now) {
  flagged_.Remove(builds_.JobName(build, live_.at(build).attempt));
  live_.erase(build);
  forecast_.Ended(build, now);
}

void Work::Record(const Finished& finished) {
  const auto [build, attempt] = std::pair(finished.build, finished.attempt);
  const Outcome& outcome = finished.outcome;
  const plan::Phase phase = outcome.succeeded ? plan::Phase::Succeeded : plan::Phase::Failed;
  plan_.Observe(build, {attempt, phase, outcome.cause, outcome.finished});
  ledger_.Ended(build, attempt, outcome, finished.verdict, totals_);
  if (outcome.succeeded) {
    return Tell(Story::Kind::Good, Name(build) + " built in " + Short(Seconds(outcome)));
  }
  std::string text = Name(build) + (plan_.state(build) == State::Failed ? " failed for good" : " failed") +
                     " in attempt " + std::to_string(attempt) + " (" + outcome.reason +
                     "): " + outcome.message + "; log: " + place_.root + "/" + LogPath({build, attempt});
  if (plan_.state(build) == State::Queued) text += "; it is tried again";
  Tell(Story::Kind::Bad, text);
}

bool Work::Stuck() const {
  if (live_.empty() || flagged_.builds().size() < live_.size() || plan_.NextRetry()) return false;
  return std::all_of(live_.begin(), live_.end(), [&](const auto& each) {
    return builds_.hang(each.first).action == batch::HangAction::Flag;
  });
}

int64_t Work::ended_by_hang() const {
  int64_t count = 0;
  for (uint32_t build = 0; build < plan_.size(); ++build)
    if (plan_.state(build) == State::Failed && plan_.fail_reason(build) == plan::FailReason::Hang) ++count;
  return count;
}

cluster::Summary Work::Look() const {
  cluster::Summary summary;
  ledger_.Fill(summary, flagged_);
  summary.finished = plan_.Finished();
  return summary;
}

}  // namespace imagebatch::local
