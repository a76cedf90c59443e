#include "cluster/control/batch_control.h"

#include <algorithm>

#include "base/keep_sooner.h"
#include "batch/read.h"
#include "cluster/control/deadline.h"
#include "cluster/objects/names.h"
#include "document/json_member.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using plan::State;

/// The status is computed at most this often, however many events come.
constexpr std::chrono::milliseconds kStatusPause(100);

std::optional<Time> TimeAt(const json& object, const char* key) {
  return ParseTime(document::StringMember(object, key));
}

std::string ImmutableSpec(const json& object) {
  json immutable;
  const auto spec = object.find("spec");
  if (spec != object.end() && spec->is_object()) {
    for (const char* key : {"images", "variables", "stages"}) immutable[key] = spec->value(key, json());
  }
  return Sha256(immutable.dump(-1, ' ', false, json::error_handler_t::replace));
}

/// Enough of a batch to speak of it, whatever its spec.
batch::Batch Identity(const json& object) {
  const json& metadata = object["metadata"];
  batch::Batch batch;
  batch.ns = metadata.value("namespace", "");
  batch.name = metadata.value("name", "");
  batch.uid = metadata.value("uid", "");
  batch.generation = metadata.value("generation", int64_t{0});
  return batch;
}

}  // namespace

std::pair<const char*, const char*> BatchControl::WhyFailed(plan::FailReason over) {
  switch (over) {
    case plan::FailReason::Expired:
      return {"DeadlineExceeded", " failed or were not built before activeDeadlineSeconds had passed"};
    case plan::FailReason::Cancelled:
      return {"Cancelled", " failed or were not built because of spec.shutdown"};
    case plan::FailReason::TooManyFailed:
      return {"MaxFailedBuildsExceeded",
              " failed or were not built because more than maxFailedBuilds failed"};
    case plan::FailReason::None:
    case plan::FailReason::Build:
    case plan::FailReason::Hang:
    case plan::FailReason::Infrastructure:
    case plan::FailReason::NeedFailed:
      break;
  }
  return {"BuildsFailed", " failed"};
}

BatchControl::BatchControl(const json& object, RunnerKit& kit, Requests& requests, metrics::Totals& totals,
                           std::function<void()> replied)
    : kit_(kit),
      channel_(requests,
               [this, replied = std::move(replied)] {
                 status_due_ = true;
                 if (replied) replied();
               }),
      totals_(totals),
      batch_(Identity(object)),
      events_(batch_, channel_),
      results_(batch_, channel_),
      status_(BatchPath(batch_.ns, batch_.name), channel_),
      degraded_(batch_, channel_, events_),
      expiry_(batch_, channel_, events_) {
  OnObject(object);
  const json& status = status_.known();
  last_progress_ = TimeAt(status, "lastProgressTime");
  completion_ = TimeAt(status, "completionTime");
  results_.Expect(ResultRecordsIn(status));
  rerun_ = RerunIn(status);
  if (status.contains("conditions")) {  // a failure that was told before the restart is not told again
    for (const json& condition : status["conditions"]) {
      if (condition.value("type", "") == "Failed" && condition.value("status", "") == "True") {
        failed_reason_ = condition.value("reason", "");
        failed_message_ = condition.value("message", "");
      }
    }
  }
}

void BatchControl::OnObject(const json& object) {
  status_.OnObject(object);
  if (conditions_.is_null()) conditions_ = status_.known().value("conditions", json::array());
  status_due_ = true;
  deleting_ = object["metadata"].contains("deletionTimestamp");
  if (batch_.generation != object["metadata"].value("generation", int64_t{0}) || !spec_known_)
    ReadSpec(object);
}

void BatchControl::ReadSpec(const json& object) {
  auto read = batch::ReadBatch(object);
  spec_problems_ = read ? std::string() : Describe(read.error());
  batch_.generation = object["metadata"].value("generation", int64_t{0});
  spec_known_ = true;
  at_rest_ = false;
  if (!read) return;
  std::string immutable = ImmutableSpec(object);
  if (work_) {  // what is being built stays as it was; only the policies follow
    input_changed_ = immutable != immutable_spec_;
    read->images = std::move(batch_.images);
    read->variables = std::move(batch_.variables);
    read->stages = std::move(batch_.stages);
    batch_ = std::move(*read);
    return;
  }
  batch_ = std::move(*read);
  immutable_spec_ = std::move(immutable);
  input_.reset();
}

void BatchControl::Observe(const Observation& seen, Now now) {
  std::visit([&](const auto& each) { On(each, now); }, seen);
}

// Anybody may write this batch's UID into an object of a namespace of his own.
template <class View>
void BatchControl::On(const Seen<View>& seen, Now now) {
  if (seen.view.ns != batch_.ns) return;
  if (salvaged_) parked_.Put(seen);
  if (work_) {
    work_->Observe(seen, now);
    status_due_ = true;
    return;
  }
  if (at_rest_ && !AsksForWork(seen)) return;
  if (at_rest_) Wake();
  parked_.Put(seen);
}

void BatchControl::On(const ListBegun& begun, Now now) {
  if (work_) work_->Observe(begun, now);
  parked_.Clear(begun.collection);  // the list brings everything again
}

void BatchControl::On(const ListEnded& ended, Now now) {
  if (!work_) return;
  work_->Observe(ended, now);
  status_due_ = true;
}

void BatchControl::OnParked(ParkedObjects parked) {
  parked_ = std::move(parked);
  parked_.jobs.Keep(batch_.ns);
  parked_.pods.Keep(batch_.ns);
}

void BatchControl::Step(bool cluster_known, Now now) {
  if (stepped_ == Time{}) degraded_.Restore(status_.known(), now);
  stepped_ = now.wall;
  if (Prepares()) Prepare(cluster_known, now);
  if (work_ && !handing_over_) Run(now);
  if (!Ending()) {
    expiry_.Step(DeleteTime(), now);
    status_due_ = degraded_.Step(now) || status_due_;
    events_.Step(now);
  }
  const auto flush = status_.Next();
  const bool due =
      (status_due_ && now.steady >= status_computed_ + kStatusPause) || (flush && *flush <= now.steady);
  if (due && !Ending()) WriteStatus(now);
  if (work_ && EndIsTold() && work_->Idle() && !status_due_ && !status_.Next() && !channel_.Waits())
    Rest(now);
}

std::optional<SteadyTime> BatchControl::Next(Now now) const {
  std::optional<SteadyTime> next;
  if (Ending() && !work_) return next;
  if (!Ending()) {
    if (status_due_) KeepSooner(next, status_computed_ + kStatusPause);
    KeepSooner(next, status_.Next());
    KeepSooner(next, degraded_.Next());
    KeepSooner(next, events_.Next());
    KeepSooner(next, expiry_.Next(DeleteTime(), now));
  }
  if (work_ && !handing_over_) KeepSooner(next, work_->Next(now));
  if (!spec_known_ && !reading_) KeepSooner(next, backoff_.next());
  if (Prepares() && spec_known_ && !waits_for_lists_ && spec_problems_.empty()) {  // as Prepare goes
    if (input_) KeepSooner(next, input_->Next());
    KeepSooner(next, results_.Next());
  }
  // A moment of the calendar counts until the first Step at or after it
  const auto at = [&](std::optional<Time> time) {
    if (time && *time > stepped_) KeepSooner(next, now.steady + std::max(*time - now.wall, Duration(0)));
  };
  if (work_) at(Deadline());
  if (completion_) at(*completion_ + kShownWhole);
  if (Prepares() && input_ && other_input_) KeepSooner(next, read_again_);
  return next;
}

void BatchControl::Run(Now now) {
  if (!Started()) return;  // the status is being written
  if (!salvaged_) FollowSpec(now);
  if (!rerun_told_ && RerunIn(status_.known()).round >= rerun_.round) {
    rerun_told_ = true;
    work_->Apply(rerun_);
  }
  work_->Step(PolicyOf(now), EndingOf(now), now);
  if (work_->TakeHungNews()) status_due_ = true;  // by time alone: a build that does not start
  if (const Time progress = work_->progress(); progress > last_progress_.value_or(Time{})) {
    last_progress_ = progress;
    status_due_ = true;
  }
  status_due_ = work_->TakeForecastChange() || status_due_;
  RunAgain(now);
  if (rerun_told_) FinishOrNot(now);
}

/// Whether the newest spec can be followed.
void BatchControl::FollowSpec(Now now) {
  if (!spec_problems_.empty()) {
    Halt("Invalid", spec_problems_, now);
  } else if (input_changed_) {
    Halt("InputChanged",
         "images, variables and stages are immutable once the batch has started; restore them, or "
         "create a new ImageBatch",
         now);
  } else if (Halted()) {
    Resume();
  }
}

plan::Policy BatchControl::PolicyOf(Now now) const {
  plan::Policy policy = cluster::PolicyOf(batch_);
  policy.ask = batch_.skip_existing;
  policy.suspend = batch_.suspend || Ending() || Halted() || salvaged_;
  if (Expired(now)) policy.over = plan::FailReason::Expired;
  if (batch_.shutdown != batch::Shutdown::None) policy.over = plan::FailReason::Cancelled;
  return policy;
}

bool BatchControl::Expired(Now now) const {
  const auto deadline = Deadline();
  return deadline && now.wall >= *deadline;
}

/// Why what runs is ended too; nothing: it is not.
std::optional<EndOfAll> BatchControl::EndingOf(Now now) const {
  if (batch_.shutdown == batch::Shutdown::Terminate)
    return EndOfAll{plan::Cause::Infrastructure, "Cancelled", "spec.shutdown of the batch is Terminate"};
  if (Expired(now))
    return EndOfAll{plan::Cause::Build, "DeadlineExceeded",
                    "the batch ran longer than its activeDeadlineSeconds"};
  return std::nullopt;
}

std::optional<Time> BatchControl::Deadline() const {
  return cluster::Deadline(batch_, start_, completion_, status_.known());
}

std::optional<Time> BatchControl::DeleteTime() const {
  if (!completion_ || batch_.ttl_seconds_after_finished < 0) return std::nullopt;
  return *completion_ + std::chrono::seconds(batch_.ttl_seconds_after_finished);
}

// A finished batch needs its input no more, unless builds are to run again: that it is gone or changed makes
// no failure of a success.
void BatchControl::Halt(const std::string& reason, const std::string& message, Now now) {
  if (completion_) return RerunDue() ? degraded_.SetInput(reason, message, now) : void();
  if (failed_reason_ == reason && failed_message_ == message) return;
  failed_reason_ = reason;
  failed_message_ = message;
  status_due_ = true;
  events_.Warning(reason, message, now);
}

void BatchControl::Resume() {
  status_due_ = status_due_ || !failed_reason_.empty();
  if (!Halted()) return;
  failed_reason_.clear();
  failed_message_.clear();
}

// A batch is finished when nothing is left to do and all its results are stored. A raised limit can make it
// unfinished again.
void BatchControl::FinishOrNot(Now now) {
  if (Halted() || (salvaged_ && !work_->Finished() && !GoesOn())) return;
  const plan::Counts total = work_->Total();
  if (!work_->Finished()) {
    if (completion_) status_due_ = true;
    completion_.reset();
    failed_reason_.clear();
    failed_message_.clear();
    return;
  }
  if (!results_.Empty()) {
    results_.Hurry();
    return results_.Step(now);
  }
  if (completion_ && !FailedOtherwise()) return;
  if (!completion_) completion_ = now.wall;
  status_due_ = true;
  const std::string counts =
      std::to_string(total[State::Succeeded]) + " of " + std::to_string(total.Total()) + " builds succeeded" +
      (total[State::Skipped] > 0 ? ", " + std::to_string(total[State::Skipped]) + " were skipped" : "");
  if (total[State::Failed] == 0) return events_.Normal("Completed", counts, now);
  const auto [reason, why] = WhyFailed(work_->over());
  failed_reason_ = reason;
  failed_message_ = counts + ", " + std::to_string(total[State::Failed]) + why;
  events_.Warning("Failed", failed_message_, now);
}

void BatchControl::WriteStatus(Now now) {
  status_due_ = false;
  status_computed_ = now.steady;
  const bool started = status_.known().contains("startTime");
  Summary summary;
  summary.generation = batch_.generation;
  int64_t finished_builds = 0;
  if (work_) {
    work_->Fill(summary);
    const plan::Counts total = work_->Total();
    finished_builds = total[State::Succeeded] + total[State::Skipped] + total[State::Failed];
  }
  if (salvaged_) summary.end.reset();  // nobody knows when the rows come back
  summary.start = start_;
  summary.last_progress = last_progress_;
  summary.completion = completion_;
  summary.input_digest = input_digest_;
  summary.rerun = rerun_;
  summary.result_records = results_.records();
  summary.result_lines = results_.lines();
  summary.suspended = batch_.suspend;
  summary.finished = completion_.has_value();
  summary.failed_reason = failed_reason_;
  summary.failed_message = failed_message_;
  summary.degraded_reason = degraded_.reason();
  summary.degraded_message = degraded_.message();
  json wanted = StatusObject(summary, status_.known(), now.wall);
  // After a restart: what stands there is truer than what is known yet
  if (!work_ && started) wanted = KeptStatus(status_.known(), std::move(wanted), Halted());
  conditions_ = wanted.value("conditions", json::array());
  status_.Step(wanted, finished_builds, now);
}

}  // namespace imagebatch::cluster
