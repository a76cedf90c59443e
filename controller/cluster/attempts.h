#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "batch/expand.h"
#include "cluster/evidence_keeper.h"
#include "cluster/markers.h"
#include "cluster/outcome.h"
#include "cluster/requests.h"
#include "cluster/timers.h"
#include "cluster/verdicts.h"
#include "cluster/views.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// The attempts of one batch that have not ended: creates their Jobs, follows Jobs and Pods, and tells the
/// plan and the owner what became of them. An attempt ends once: what is seen of it later changes nothing.
class Attempts {
 public:
  struct Concluded {
    uint32_t build = 0;
    int attempt = 1;
    std::string job;
    Outcome outcome;
    std::optional<HangVerdict> verdict;  // of a build that hung at its end
    EvidenceReference evidence;          // of that
  };
  /// The container of an attempt has been seen to run.
  struct Ran {
    uint32_t build = 0;
    int attempt = 1;
    Time since{};
    std::string pod;
  };
  struct Refused {
    std::string job, message;
  };

  Attempts(const batch::Batch& batch, const batch::Expansion& expansion,
           const std::vector<std::string>& build_hashes, RunnerKit& kit, plan::Plan& plan, Requests& requests,
           const void* owner);

  void Start(const plan::Start& start, Now now);
  /// What an earlier process left, seen as a whole before anything is decided about any of it: a Job that has
  /// ended and its Pod come from two watches, and one without the other would have to be read again.
  void Adopt(const std::vector<std::pair<Change, JobView>>& jobs,
             const std::vector<std::pair<Change, PodView>>& pods, Now now);
  void OnJob(Change change, const JobView& job, Now now);
  void OnPod(Change change, const PodView& pod, Now now);
  void OnListBegun(Collection collection);
  void OnListEnded(Collection collection, Version version, Now now);

  /// Does what is due; costs what is due, not what is live.
  void Step(Now now);
  std::optional<SteadyTime> Next() const;

  /// Ends every live attempt as failed with this reason, where no request is under way that decides whether
  /// it has a Job; the Jobs become leftovers.
  void EndAll(const std::string& reason, const std::string& message, Now now);

  /// Jobs that still run although their attempt was ended from here, perhaps before a restart. They are to be
  /// deleted, once all results are stored; until they are, they take the places of others.
  bool HasLeftovers(Now now) const { return !leftovers_.empty() && leftovers_backoff_.Due(now.steady); }
  SteadyTime NextLeftover() const {
    return leftovers_.empty() ? SteadyTime::max() : leftovers_backoff_.next();
  }
  std::vector<std::string> TakeLeftovers();
  void LeftoverDeleted(const std::string& job, bool deleted, Now now);  // false: again in a while
  bool OnlyLive() const { return leftovers_.empty() && going_.empty(); }

  std::vector<Concluded> TakeConcluded() { return std::exchange(concluded_, {}); }
  std::vector<Ran> TakeRan() { return std::exchange(ran_, {}); }
  std::vector<HangChange> TakeHangChanges() { return verdicts_.TakeChanges(); }
  std::vector<Refused> TakeRefused() { return std::exchange(refused_, {}); }

  /// Evidence that could not be stored.
  std::vector<EvidenceKeeper::Refused> TakeRefusedEvidence();
  /// No evidence is on its way to where it is kept.
  bool EvidenceSettled() const { return evidence_.Idle(); }

  /// Something of an attempt has advanced since the last call.
  bool TakeProgress() { return std::exchange(progress_, false); }

  /// The hung ones, by Job name.
  const std::map<std::string, HangChange>& hung() const { return verdicts_.hung(); }
  bool TakeHungNews() { return verdicts_.TakeNews(); }

 private:
  struct Live : SeenAttempt {
    bool listed = false;   // in the list that is arriving
    bool asking = false;   // a create, or a read that decides, is under way
    bool taken = false;    // its name belongs to somebody else, perhaps: to be looked at
    bool refused = false;  // its create was refused once already
    bool kept = false;     // the evidence of its end is being stored, or is
    Backoff backoff;
  };

  Live* See(Change change, const JobView& job, Now now);
  Live* See(Change change, const PodView& pod);
  void Advance(const std::string& name, Now now);
  void Create(const std::string& name, const Live& live);
  void Created(const std::string& name, const Result<kube::Response>& response, Now now);
  void ReadJob(const std::string& name);
  void ReadPod(const std::string& name, const Live& live);
  void ConcludeEnded(const std::string& name, Live& live);
  void LookAgain(const std::string& name);
  void End(const std::string& name, plan::Cause cause, const std::string& reason, const std::string& message,
           Now now);
  void Conclude(const std::string& name, Outcome outcome);
  Live* Find(const std::string& name);
  Live* FindOrAdopt(const JobView& job);

  const batch::Batch& batch_;
  const batch::Expansion& expansion_;
  const std::vector<std::string>& build_hashes_;
  RunnerKit& kit_;
  plan::Plan& plan_;
  Requests& requests_;
  const void* owner_;

  std::unordered_map<std::string, uint32_t> build_of_hash_;
  std::unordered_map<std::string, Live> live_;  // by Job name
  Timers timers_;                               // of what is to be asked again
  EvidenceKeeper evidence_;
  Verdicts verdicts_;
  std::vector<Concluded> concluded_;
  std::vector<Ran> ran_;
  std::vector<Refused> refused_;
  std::set<std::string> leftovers_, going_;  // going: their deletion is under way
  Backoff leftovers_backoff_;
  bool progress_ = false;
};

}  // namespace imagebatch::cluster
