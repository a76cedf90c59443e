#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "batch/types.h"
#include "cluster/events.h"
#include "cluster/input.h"
#include "cluster/markers.h"
#include "cluster/requests.h"
#include "cluster/results.h"
#include "cluster/status.h"
#include "cluster/views.h"
#include "cluster/work.h"
#include "metrics/snapshot.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// One ImageBatch from its first sight to its end. No Job is created before the input is wholly valid, the
/// stored results and the existing Jobs are known, and status.startTime is written (from then on the CRD
/// refuses changes of images, variables and stages). All of it is found again after a restart.
class BatchControl {
 public:
  BatchControl(const nlohmann::json& object, RunnerKit& kit, Requests& requests, metrics::Totals& totals);
  ~BatchControl() { requests_.Drop(this); }
  BatchControl(const BatchControl&) = delete;
  BatchControl& operator=(const BatchControl&) = delete;

  void OnObject(const nlohmann::json& object);
  void OnJob(Change change, const JobView& job, Now now);
  void OnPod(Change change, const PodView& pod, Now now);
  void OnListBegun(Collection collection);
  void OnListEnded(Collection collection, Version version, Now now);
  /// A reply to one of its requests has been delivered.
  void OnReply() { status_due_ = true; }

  /// Decides and sends what is due. `cluster_known`: whole lists of Jobs and Pods have been seen.
  void Step(bool cluster_known, Now now);
  /// When to call Step again if nothing else happens.
  std::optional<SteadyTime> Next(Now now) const;

  metrics::BatchSample Sample() const;

 private:
  void ReadSpec(const nlohmann::json& object);
  void Prepare(bool cluster_known, Now now);
  void BeginWork(Now now);
  void Run(Now now);
  void Halt(const std::string& reason, const std::string& message, Now now);
  void Resume();
  void FinishOrNot(Now now);
  void DeleteWhenDue(Now now);
  void WriteStatus(Now now);
  plan::Policy PolicyOf(Now now) const;
  std::optional<Time> Deadline() const;
  std::optional<Time> DeleteTime() const;
  bool Started() const { return start_.has_value() && status_.known().contains("startTime"); }
  bool Halted() const { return failed_reason_ == "Invalid" || failed_reason_ == "InputChanged"; }

  RunnerKit& kit_;
  Requests& requests_;
  metrics::Totals& totals_;

  batch::Batch batch_;
  nlohmann::json immutable_spec_;  // what batch_ was read from: images, variables, stages
  std::string spec_problems_;      // why the newest spec cannot be followed; empty: it can
  bool input_changed_ = false;     // the newest spec differs in what is immutable
  bool deleting_ = false;          // by somebody: nothing new is started

  EventEmitter events_;
  ResultLog results_;
  StatusWriter status_;
  std::unique_ptr<Input> input_;  // until there is work
  std::unique_ptr<Work> work_;
  std::vector<std::pair<Change, JobView>> parked_jobs_;  // seen before there is work
  std::vector<std::pair<Change, PodView>> parked_pods_;

  std::string failed_reason_, failed_message_;
  std::string input_digest_;
  std::optional<Time> start_, last_progress_, completion_;
  bool status_due_ = true;  // something of the status may have changed
  SteadyTime status_computed_{};
  SteadyTime read_again_{};  // see kReadAgain
  Time stepped_{};           // when Step was called last
  Backoff delete_backoff_;
  bool delete_sent_ = false;
};

}  // namespace imagebatch::cluster
