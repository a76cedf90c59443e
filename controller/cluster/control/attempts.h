#pragma once
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "batch/expand.h"
#include "cluster/control/create_pace.h"
#include "cluster/control/parked.h"
#include "cluster/control/pushed_images.h"
#include "cluster/objects/builds.h"
#include "cluster/objects/outcome.h"
#include "cluster/objects/views.h"
#include "cluster/store/backoff.h"
#include "cluster/store/evidence_keeper.h"
#include "cluster/store/job_client.h"
#include "cluster/store/timers.h"
#include "cluster/watch/course.h"
#include "cluster/watch/verdicts.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// The container of an attempt has been seen to run.
struct Ran {
  uint32_t build = 0;
  int attempt = 1;
  Time since{};
  std::string pod;
};
/// An attempt that ran, or was to, is held by a queue or a quota.
struct Held {
  uint32_t build = 0;
  std::string why;  // printable, bounded
};
/// An attempt has ended.
struct Concluded {
  uint32_t build = 0;
  int attempt = 1;
  std::string job;
  Outcome outcome;
  std::optional<Verdict> verdict;  // of a build that hung at its end
  EvidenceReference evidence;      // of that
  std::string outlived_by;         // containers of its Pod that had not ended when it was concluded
  bool to_delete = false;          // its Job goes once Stored is called
};

/// Why all attempts are ended.
struct EndOfAll {
  plan::Cause cause = plan::Cause::Build;
  std::string reason, message;
};

/// What becomes of an attempt, for whoever keeps the books.
using Happening = std::variant<Ran, Held, VerdictChange, EvidenceRefused, Concluded>;

/// The attempts of one batch that have not ended: creates their Jobs, follows Jobs and Pods, and tells the
/// plan and the owner what became of them. An attempt ends once: what is seen of it later changes nothing but
/// when its build may be started again, which is when nothing of it can run any more (NeedOf). Its Job is
/// created when its turn comes (CreatePace); until then the plan has it as Creating, or as Held by a quota.
///
/// What it is shown is of the batch's own namespace. Of Pods that name a Job, believed are those of its UID.
class Attempts {
 public:
  Attempts(const batch::Batch& batch, const Builds& builds, RunnerKit& kit, plan::Plan& plan,
           Channel& channel);

  void Start(const plan::Start& start, Now now);
  /// False: no Job is created until it is true again, of whatever attempt. Counts from the next Step.
  void AllowCreates(bool allowed) { pace_.Allow(allowed); }
  /// What an earlier process left and has told, seen as a whole before anything is decided about any of it: a
  /// Job that has ended and its Pod come from two watches, and one without the other would have to be read
  /// again.
  void Adopt(ParkedObjects left, const std::vector<ToldVerdict>& told, Now now);
  void Observe(const Observation& seen, Now now);

  /// Does what is due; costs what is due, not what is live.
  void Step(Now now);
  std::optional<SteadyTime> Next() const;

  /// Ends every live attempt as failed with this cause, where no request is under way that decides whether
  /// it has a Job; the Jobs are deleted once that is stored.
  void EndAll(const EndOfAll& ending, Now now);
  /// Those that wait for their Job to be created are as if they had not been started.
  void RetractUncreated();

  /// The result of a concluded attempt is stored: its Job may be deleted. To be called for each.
  void Stored(const std::string& job, Now now);

  /// What has become of them since the last call, in its order.
  std::vector<Happening> TakeHappenings();

  /// There is none, and no evidence of one is being stored.
  bool Idle() const { return live_.empty() && evidence_.Idle(); }

  /// When something of an attempt has advanced last, by the cluster's clocks: a Job created, a build begun or
  /// ended. So nothing advances because a new process sees it for the first time.
  Time progress() const { return progress_; }

  const FlaggedList& flagged() const { return verdicts_.flagged(); }
  /// How many work; see Verdicts.
  size_t working() const { return verdicts_.working(); }
  bool TakeHungNews() { return verdicts_.TakeNews(); }

 private:
  struct Live : SeenAttempt {
    Course course;
    std::vector<PodView> early;          // Pods that name its Job, while that is not known
    SteadyTime pod_since{};              // when its Pod was first seen here
    std::optional<SteadyTime> orphaned;  // since when it has no Job, and its Pod may run
    bool look_again = false;             // a list of Pods has come while they were read
    bool listed = false;                 // its Job is in the list that is arriving
    bool pod_listed = false;             // so is its Pod
    bool asking = false;                 // a request about it is under way
    bool kept = false;                   // the evidence of its end is being stored, or is
    std::optional<std::string> log_end;  // once it was asked for; empty where it cannot be read
    int log_failures = 0;
    Backoff backoff;
  };

  template <class View>
  void On(const Seen<View>& seen, Now now);
  void On(const ListBegun& begun, Now now);
  void On(const ListEnded& ended, Now now);
  Live* See(const JobSeen& seen, Now now);
  Live* See(const PodSeen& seen, Now now);
  void TakePod(Live& live, PodView pod, Now now);
  Live* Find(const std::string& name);
  Live* SeeOf(Live& of, const JobSeen& seen, Now now);
  static const PodView* Early(const Live& live, const std::string& uid);
  Live* FindOrAdopt(const JobSeen& seen, Now now);
  Live* AdoptLeft(const PodView& pod);
  Live& Add(const std::string& name, uint32_t build, int attempt, bool concluded);
  bool HasEnded(uint32_t build, int attempt) const;

  void Advance(const std::string& name, Now now);
  void Ask(const std::string& name, Live& live, Need need);
  void AwaitTurn(const std::string& name, const Live& live, Now now);
  void CreateDue(Now now);
  void PaceBy(const JobClient::Reply& reply, Now now);
  void Watch(const std::string& name, Live& live, Now now);
  void Follow(const Moved& moved, Now now);
  Live* Answered(const std::string& name);
  void Created(const std::string& name, const JobClient::Reply& reply, Now now);
  void Found(const std::string& name, const JobClient::Reply& reply, Now now);
  void Deleted(const std::string& name, const JobClient::Reply& reply, Now now);
  void Looked(const std::string& name, const std::optional<std::vector<PodView>>& pods, Now now);
  void EndStalled(Now now);
  void LookAgain(const std::string& name);
  void ConcludeEnded(const std::string& name, Live& live, Now now);
  bool PushKnown(const std::string& name, const Live& live, Now now);
  bool LogEndKnown(const std::string& name, Live& live, Now now);
  void End(const std::string& name, plan::Cause cause, const std::string& reason, const std::string& message,
           Now now);
  void Conclude(const std::string& name, Outcome outcome, Now now, std::string outlived_by = {});
  void ForgetUncreated(uint32_t build);
  void Forget(const std::string& name);
  void GatherHappenings();
  void Advanced(Time at, Now now) { progress_ = std::max(progress_, std::min(at, now.wall)); }

  const batch::Batch& batch_;
  const Builds& builds_;
  plan::Plan& plan_;

  std::unordered_map<std::string, Live> live_;  // by Job name
  Timers timers_;                               // of what is to be asked again
  CreatePace pace_;
  JobClient client_;
  EvidenceKeeper evidence_;
  PushedImages pushed_;
  Verdicts verdicts_;
  std::vector<Happening> happenings_;
  std::unordered_set<std::string> unstored_;  // Jobs whose attempts have ended and whose results wait
  Time progress_{};
};

}  // namespace imagebatch::cluster
