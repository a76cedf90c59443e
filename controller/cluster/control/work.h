#pragma once
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "batch/expand.h"
#include "cluster/control/attempts.h"
#include "cluster/control/forecast.h"
#include "cluster/control/ledger.h"
#include "cluster/control/lookups.h"
#include "cluster/control/parked.h"
#include "cluster/control/rerun.h"
#include "cluster/objects/builds.h"
#include "cluster/store/events.h"
#include "cluster/store/result_log.h"
#include "cluster/store/status_object.h"
#include "metrics/snapshot.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// The builds of a batch whose input is valid: lets the plan decide, has the attempts act, and records what
/// became of them in the results, the Events and the counters.
class Work {
 public:
  /// What it writes to; all outlive it.
  struct Sinks {
    Channel& channel;
    ResultLog& results;
    EventEmitter& events;
    metrics::Totals& totals;
  };

  /// `stored`: the results of earlier attempts.
  Work(const batch::Batch& batch, batch::Expansion expansion, RunnerKit& kit,
       const std::deque<ResultKey>& stored, Sinks sinks);

  /// What a raised spec.rerun.round comes to, by the states of the last Step.
  RerunJudgement Judge(const batch::Rerun& wanted, const RerunRecord& before, Now now) const;
  /// Builds run again as the status says. As often as wanted.
  void Apply(const RerunRecord& record) { ApplyRerun(record, builds_, plan_); }

  /// What an earlier process left: Jobs and Pods, and what it has told.
  void Adopt(ParkedObjects left, const Told& told, Now now);
  void Observe(const Observation& seen, Now now) { attempts_.Observe(seen, now); }

  /// Records what has ended, starts what may start, under the policy of now. `ending`: whatever lives is
  /// ended.
  void Step(const plan::Policy& policy, const std::optional<EndOfAll>& ending, Now now);
  std::optional<SteadyTime> Next(Now now) const;

  /// Nothing of any attempt is to be followed, stored or deleted.
  bool Idle() const { return unstored_.empty() && sinks_.results.Empty() && attempts_.Idle(); }
  /// Every build has succeeded, was skipped or failed for good.
  bool Finished() const { return plan_.Finished(); }
  plan::Counts Total() const { return plan_.Total(); }
  /// For what nothing new is started; None: it is.
  /// Some build that has had an attempt is neither built nor failed for good.
  bool MayTryAgain() const;
  plan::FailReason over() const { return plan_.over(); }
  /// When something has advanced last: see Attempts::progress.
  Time progress() const { return std::max(attempts_.progress(), last_success_); }
  /// What is foreseen has changed since the last call.
  bool TakeForecastChange() { return forecast_.TakeChange(); }
  /// What is told of hung builds has changed since the last call.
  bool TakeHungNews() { return attempts_.TakeHungNews(); }

  void Fill(Summary& summary) const;
  void Fill(metrics::BatchSample& sample) const;

 private:
  void SetPolicy(plan::Policy policy);
  void Record(const Ran& ran, Now now);
  void Record(const Held& held, Now now);
  void Record(const VerdictChange& change, Now now);
  void Record(const EvidenceRefused& refused, Now now);
  void Record(const Concluded& concluded, Now now);
  void Skip(const Lookups::Found& found, Now now);
  void ReleaseStored(Now now);

  const batch::Batch& batch_;
  const Builds builds_;
  Sinks sinks_;
  plan::Plan plan_;
  Attempts attempts_;
  Lookups lookups_;
  Forecast forecast_;
  Ledger ledger_;
  bool held_ = false;                         // builds are held, as of the last Step
  bool held_told_ = false;                    // ... and that has been told, here or by an earlier process
  std::set<std::string> outlived_told_;       // by which containers
  Time last_success_{};                       // in the results of earlier processes
  std::map<uint64_t, std::string> unstored_;  // Jobs, by the number of the result that waits to be stored
};

}  // namespace imagebatch::cluster
