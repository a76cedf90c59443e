#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "batch/types.h"
#include "cluster/control/parked.h"
#include "cluster/control/work.h"
#include "cluster/objects/markers.h"
#include "cluster/objects/views.h"
#include "cluster/store/backoff.h"
#include "cluster/store/channel.h"
#include "cluster/store/degraded.h"
#include "cluster/store/events.h"
#include "cluster/store/expiry.h"
#include "cluster/store/input.h"
#include "cluster/store/result_log.h"
#include "cluster/store/status_object.h"
#include "cluster/store/status_writer.h"
#include "metrics/snapshot.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// One ImageBatch from its first sight to its end. No Job is created before the input is wholly valid, the
/// stored results and the existing Jobs are known, and status.startTime is written (from then on the CRD
/// refuses changes of images, variables and stages). All of it is found again after a restart; where its rows
/// are not, what has begun is followed to its end, and the rest waits for them. A finished one
/// of which nothing runs is at rest: it costs next to nothing, and is loaded again when its spec changes or
/// one of its Jobs or Pods turns out to run.
class BatchControl {
 public:
  /// `replied` is called when a reply to one of its requests comes: Step is to be called.
  BatchControl(const nlohmann::json& object, RunnerKit& kit, Requests& requests, metrics::Totals& totals,
               std::function<void()> replied = {});
  BatchControl(const BatchControl&) = delete;
  BatchControl& operator=(const BatchControl&) = delete;

  void OnObject(const nlohmann::json& object);
  /// What was seen of its Jobs and Pods before it; once, before anything else is seen of them.
  void OnParked(ParkedObjects parked);
  void Observe(const Observation& seen, Now now);

  /// Decides and sends what is due. `cluster_known`: whole lists of Jobs and Pods have been seen.
  void Step(bool cluster_known, Now now);
  /// When to call Step again if nothing else happens.
  std::optional<SteadyTime> Next(Now now) const;

  /// As of the last Step. Of a batch that finished before kShownWhole only how it ended.
  metrics::BatchSample Sample() const;
  static constexpr std::chrono::hours kShownWhole{1};

 private:
  void ReadSpec(const nlohmann::json& object);
  bool EndIsTold() const;
  bool NothingIsLeft() const;
  template <class View>
  void On(const Seen<View>& seen, Now now);
  void On(const ListBegun& begun, Now now);
  void On(const ListEnded& ended, Now now);
  static bool AsksForWork(const JobSeen& seen);
  static bool AsksForWork(const PodSeen& seen);
  void Rest(Now now);
  void Wake();
  void ReadAgain(Now now);
  /// Its input is yet to be known, or is to be had again.
  bool Prepares() const { return (!work_ || salvaged_) && !at_rest_; }
  void Prepare(bool cluster_known, Now now);
  void Reject(Now now);
  std::optional<std::string> StartedWith() const;
  void GoOnWithoutRows(Now now);
  void HandOver(Now now);
  void BeginWork(Now now);
  void Begin(batch::Expansion builds, const std::deque<ResultKey>& stored, ParkedObjects left, Now now);
  void Run(Now now);
  void FollowSpec(Now now);
  bool RerunDue() const;
  void RunAgain(Now now);
  bool GoesOn() const;
  bool FailedOtherwise() const;
  /// The reason of Failed, and what comes behind the number of failed builds.
  static std::pair<const char*, const char*> WhyFailed(plan::FailReason over);
  void Halt(const std::string& reason, const std::string& message, Now now);
  void Resume();
  void FinishOrNot(Now now);
  void WriteStatus(Now now);
  plan::Policy PolicyOf(Now now) const;
  bool Expired(Now now) const;
  std::optional<EndOfAll> EndingOf(Now now) const;
  std::optional<Time> Deadline() const;
  std::optional<Time> DeleteTime() const;
  /// It, or its namespace, is being deleted: nothing new is started, and nothing is told.
  bool Ending() const { return deleting_ || channel_.NamespaceEnding(); }
  bool Started() const { return start_.has_value() && status_.known().contains("startTime"); }
  bool Halted() const { return failed_reason_ == "Invalid" || failed_reason_ == "InputChanged"; }

  RunnerKit& kit_;
  Channel channel_;
  metrics::Totals& totals_;

  batch::Batch batch_;
  std::string immutable_spec_;  // SHA-256 of what batch_ was read from: images, variables, stages
  bool spec_known_ = false;     // it has been read
  bool reading_ = false;        // ... and is being read again
  Backoff backoff_;             // of that
  std::string spec_problems_;   // why the newest spec cannot be followed; empty: it can
  bool input_changed_ = false;  // the newest spec differs in what is immutable
  bool other_input_ = false;    // what was read last is not what the batch has started with
  bool deleting_ = false;       // by somebody

  EventEmitter events_;
  ResultLog results_;
  StatusWriter status_;
  Degraded degraded_;
  Expiry expiry_;
  std::unique_ptr<Input> input_;  // until there is work with its rows
  std::unique_ptr<Work> work_;
  bool salvaged_ = false;         // the work is what the cluster knows of it, without its rows
  bool handing_over_ = false;     // the rows are back, and requests of that work are still under way
  ParkedObjects parked_;          // what was seen while there is no work with its rows
  bool at_rest_ = false;          // finished, and nothing more to do: no work, and no spec but its policies
  bool waits_for_lists_ = false;  // finished before the restart: whether something is left is yet to be seen
  std::optional<metrics::BatchSample> shown_;  // by the work, before it was given up

  RerunRecord rerun_;  // as the status is to say
  std::string failed_reason_, failed_message_;
  std::string input_digest_;
  std::optional<Time> start_, last_progress_, completion_;
  bool rerun_told_ = true;  // the status says what rerun_ is
  bool status_due_ = true;  // something of it may have changed
  SteadyTime status_computed_{};
  nlohmann::json conditions_;  // of the status, as last computed
  SteadyTime read_again_{};    // see kReadAgain
  Duration read_pause_{};
  Time stepped_{};  // when Step was called last
};

}  // namespace imagebatch::cluster
