#include "cluster/batch_control.h"

#include <algorithm>

#include "batch/read.h"
#include "cluster/hang_classes.h"
#include "cluster/names.h"
#include "cluster/stall.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using plan::State;

/// The status is computed at most this often, however many events come.
constexpr std::chrono::milliseconds kStatusPause(100);
/// Input that is not the one the batch has started with is read again after so long: it may have been
/// restored.
constexpr std::chrono::seconds kReadAgain(30);

std::optional<Time> TimeAt(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? ParseTime(at->get<std::string>()) : std::nullopt;
}

json ImmutableSpec(const json& object) {
  json immutable;
  const auto spec = object.find("spec");
  if (spec == object.end() || !spec->is_object()) return immutable;
  for (const char* key : {"images", "variables", "stages"}) immutable[key] = spec->value(key, json());
  return immutable;
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

void Sooner(std::optional<SteadyTime>& next, std::optional<SteadyTime> other) {
  if (other && (!next || *other < *next)) next = other;
}

}  // namespace

BatchControl::BatchControl(const json& object, RunnerKit& kit, Requests& requests, metrics::Totals& totals)
    : kit_(kit),
      requests_(requests),
      totals_(totals),
      batch_(Identity(object)),
      events_(batch_, requests),
      results_(batch_, requests, this),
      status_(BatchPath(batch_.ns, batch_.name), requests, this) {
  OnObject(object);
  const json& status = status_.known();
  last_progress_ = TimeAt(status, "lastProgressTime");
  completion_ = TimeAt(status, "completionTime");
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
  status_due_ = true;
  deleting_ = object["metadata"].contains("deletionTimestamp");
  if (batch_.generation != object["metadata"].value("generation", int64_t{0}) || immutable_spec_.is_null())
    ReadSpec(object);
}

void BatchControl::ReadSpec(const json& object) {
  auto read = batch::ReadBatch(object);
  spec_problems_ = read ? std::string() : Describe(read.error());
  batch_.generation = object["metadata"].value("generation", int64_t{0});
  json immutable = ImmutableSpec(object);
  if (!read) {
    if (immutable_spec_.is_null()) immutable_spec_ = json::object();
    return;
  }
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

void BatchControl::OnJob(Change change, const JobView& job, Now now) {
  if (work_) {
    work_->OnJob(change, job, now);
    status_due_ = true;
  } else {
    parked_jobs_.emplace_back(change, job);
  }
}

void BatchControl::OnPod(Change change, const PodView& pod, Now now) {
  if (work_) {
    work_->OnPod(change, pod, now);
    status_due_ = true;
  } else {
    parked_pods_.emplace_back(change, pod);
  }
}

void BatchControl::OnListBegun(Collection collection) {
  if (work_) return work_->OnListBegun(collection);
  // The list brings everything again
  if (collection == Collection::Jobs) parked_jobs_.clear();
  if (collection == Collection::Pods) parked_pods_.clear();
}

void BatchControl::OnListEnded(Collection collection, Version version, Now now) {
  if (!work_) return;
  work_->OnListEnded(collection, version, now);
  status_due_ = true;
}

void BatchControl::Step(bool cluster_known, Now now) {
  stepped_ = now.wall;
  if (!work_) Prepare(cluster_known, now);
  if (work_) Run(now);
  DeleteWhenDue(now);
  const auto flush = status_.Next();
  const bool due =
      (status_due_ && now.steady >= status_computed_ + kStatusPause) || (flush && *flush <= now.steady);
  if (due && !deleting_) WriteStatus(now);
}

std::optional<SteadyTime> BatchControl::Next(Now now) const {
  std::optional<SteadyTime> next;
  if (deleting_ && !work_) return next;
  if (status_due_ && !deleting_) Sooner(next, status_computed_ + kStatusPause);
  if (!deleting_) Sooner(next, status_.Next());
  if (input_ && spec_problems_.empty()) Sooner(next, input_->Next());
  if (!work_) Sooner(next, results_.Next());
  if (work_) Sooner(next, work_->Next(now));
  // A moment of the calendar counts until the first Step at or after it
  const auto at = [&](std::optional<Time> time) {
    if (time && *time > stepped_) Sooner(next, now.steady + std::max(*time - now.wall, Duration(0)));
  };
  if (work_) at(Deadline());
  if (completion_ && !delete_sent_ && !deleting_) {
    at(DeleteTime());
    if (delete_backoff_.next() != SteadyTime{}) Sooner(next, delete_backoff_.next());
  }
  if (!work_ && failed_reason_ == "InputChanged") Sooner(next, read_again_);
  return next;
}

// From the first sight to the point where the work is known: valid input, stored results, existing Jobs.
void BatchControl::Prepare(bool cluster_known, Now now) {
  if (deleting_) return;
  if (!spec_problems_.empty()) return Halt("Invalid", spec_problems_, now);
  const bool restored = failed_reason_ == "InputChanged" && now.steady >= read_again_;  // perhaps
  if (!input_ || restored) {
    read_again_ = now.steady + kReadAgain;
    input_ =
        std::make_unique<Input>(batch_, status_.known().contains("startTime"), kit_.image, requests_, this);
  }
  const Input::State before = input_->state();
  input_->Step(now);
  results_.Step(now);
  if (input_->state() == Input::State::Invalid) return Halt("Invalid", input_->problems(), now);
  if (input_->state() != Input::State::Valid || !results_.loaded() || !cluster_known) {
    status_due_ = status_due_ || input_->state() != before;
    return;
  }
  const std::string started_with = status_.known().value("inputDigest", "");
  if (!started_with.empty() && started_with != input_->digest()) {
    return Halt("InputChanged",
                "the rows or the spec are not those the batch has started with; restore them, or "
                "create a new ImageBatch",
                now);
  }
  BeginWork(now);
}

void BatchControl::BeginWork(Now now) {
  Resume();
  input_digest_ = input_->digest();
  start_ = TimeAt(status_.known(), "startTime").value_or(now.wall);
  work_ = std::make_unique<Work>(batch_, input_->TakeExpansion(), kit_, results_.TakeLoaded(),
                                 Work::Sinks{requests_, this, results_, events_, totals_});
  input_.reset();
  work_->Adopt(std::exchange(parked_jobs_, {}), std::exchange(parked_pods_, {}), now);
  status_due_ = true;
  if (!status_.known().contains("startTime")) {
    events_.Normal("Started",
                   std::to_string(work_->Total().Total()) + " builds in " +
                       std::to_string(batch_.stages.size()) + " stages",
                   now);
  }
}

void BatchControl::Run(Now now) {
  if (!Started()) return;  // the status is being written
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
  work_->Step(PolicyOf(now), now);
  if (work_->TakeHungNews()) status_due_ = true;  // by time alone: a build that does not start
  if (work_->TakeProgress()) {
    last_progress_ = now.wall;
    status_due_ = true;
  }
  status_due_ = work_->TakeForecastChange() || status_due_;
  FinishOrNot(now);
}

plan::Policy BatchControl::PolicyOf(Now now) const {
  plan::Policy policy;
  policy.parallelism = batch_.parallelism;
  policy.suspend = batch_.suspend || deleting_ || Halted();
  const auto deadline = Deadline();
  policy.expired = deadline && now.wall >= *deadline;
  policy.backoff_limit = batch_.backoff_limit;
  policy.infrastructure_retry_limit = batch_.infrastructure_retry_limit;
  for (const batch::Stage& stage : batch_.stages) {
    policy.retry_hung.push_back(batch::Override(batch_.hang, stage.hang).action == batch::HangAction::Retry);
  }
  return policy;
}

std::optional<Time> BatchControl::Deadline() const {
  if (!start_ || batch_.active_deadline_seconds <= 0) return std::nullopt;
  return *start_ + std::chrono::seconds(batch_.active_deadline_seconds);
}

std::optional<Time> BatchControl::DeleteTime() const {
  if (!completion_ || batch_.ttl_seconds_after_finished < 0) return std::nullopt;
  return *completion_ + std::chrono::seconds(batch_.ttl_seconds_after_finished);
}

// A finished batch needs its input no more: that it is gone or changed makes no failure of a success.
void BatchControl::Halt(const std::string& reason, const std::string& message, Now now) {
  if (completion_ || (failed_reason_ == reason && failed_message_ == message)) return;
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
  if (Halted()) return;
  const plan::Counts total = work_->Total();
  if (!work_->Finished()) {
    if (completion_) status_due_ = true;
    completion_.reset();
    failed_reason_.clear();
    failed_message_.clear();
    return;
  }
  if (!results_.Empty()) return results_.Hurry();
  if (completion_) return;
  completion_ = now.wall;
  status_due_ = true;
  const std::string counts =
      std::to_string(total[State::Succeeded]) + " of " + std::to_string(total.Total()) + " builds succeeded";
  if (total[State::Failed] == 0) return events_.Normal("Completed", counts, now);
  const auto deadline = Deadline();
  const bool expired = deadline && now.wall >= *deadline;
  failed_reason_ = expired ? "DeadlineExceeded" : "BuildsFailed";
  failed_message_ =
      counts + ", " + std::to_string(total[State::Failed]) +
      (expired ? " failed or were not built before activeDeadlineSeconds had passed" : " failed");
  events_.Warning("Failed", failed_message_, now);
}

void BatchControl::DeleteWhenDue(Now now) {
  const auto delete_at = DeleteTime();
  if (!delete_at || now.wall < *delete_at || deleting_ || delete_sent_ || !delete_backoff_.Due(now.steady))
    return;
  delete_sent_ = true;
  events_.Normal("Deleted", "ttlSecondsAfterFinished has passed", now);
  kube::Request request;
  request.method = kube::Method::Delete;
  request.path = BatchPath(batch_.ns, batch_.name);
  request.body = json{{"apiVersion", "v1"},
                      {"kind", "DeleteOptions"},
                      {"propagationPolicy", "Background"},
                      {"preconditions", {{"uid", batch_.uid}}}}
                     .dump();
  requests_.Send(this, std::move(request), [this](const Result<kube::Response>& response, Now replied) {
    if (Ok(response)) return;
    delete_sent_ = false;
    delete_backoff_.Failed(replied.steady);
  });
}

void BatchControl::WriteStatus(Now now) {
  status_due_ = false;
  status_computed_ = now.steady;
  const bool started = status_.known().contains("startTime");
  if (!work_ && started && !Halted())
    return;  // after a restart: what stands there is truer than what is known yet
  Summary summary;
  summary.generation = batch_.generation;
  int64_t finished_builds = 0;
  if (work_) {
    work_->Fill(summary);
    const plan::Counts total = work_->Total();
    finished_builds = total[State::Succeeded] + total[State::Failed];
  }
  summary.start = start_;
  summary.last_progress = last_progress_;
  summary.completion = completion_;
  summary.input_digest = input_digest_;
  summary.result_config_maps = results_.config_maps();
  summary.result_lines = results_.lines();
  summary.suspended = batch_.suspend;
  summary.finished = completion_.has_value();
  summary.failed_reason = failed_reason_;
  summary.failed_message = failed_message_;
  json wanted = StatusObject(summary, status_.known(), now.wall);
  if (!work_ && started) {  // stopped before the work was known again: the counts stay as they were
    json kept = status_.known();
    kept["conditions"] = std::move(wanted["conditions"]);
    kept["observedGeneration"] = wanted["observedGeneration"];
    wanted = std::move(kept);
  }
  status_.Step(wanted, finished_builds, now);
}

metrics::BatchSample BatchControl::Sample() const {
  metrics::BatchSample sample;
  sample.ns = batch_.ns;
  sample.name = batch_.name;
  for (const std::string_view klass : kHangClasses) sample.hung_by_class[std::string(klass)] = 0;
  for (const std::string_view klass : kStallClasses) sample.hung_by_class[std::string(klass)] = 0;
  if (work_) work_->Fill(sample);
  sample.start = start_;
  sample.last_progress = last_progress_;
  sample.completion = completion_;
  sample.suspended = batch_.suspend;
  return sample;
}

}  // namespace imagebatch::cluster
