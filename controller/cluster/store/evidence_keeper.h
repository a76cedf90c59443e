#pragma once
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/objects/builds.h"
#include "cluster/objects/evidence.h"
#include "cluster/objects/log_end.h"
#include "cluster/objects/log_search.h"
#include "cluster/objects/outcome.h"
#include "cluster/store/backoff.h"
#include "cluster/store/evidence_store.h"
#include "cluster/store/timers.h"

namespace imagebatch::cluster {

/// The evidence of an attempt is kept nowhere: the API server will not have it.
struct EvidenceRefused {
  std::string job, record, message;
};

/// Brings the evidence of hung attempts to where it is kept: reads the end of the build's log, which holds
/// the stacks that were asked for before a tree was ended, and has both stored. What cannot be read after 5
/// tries is left out; what the API server refuses to store is told once. However many hang together, the
/// ends of few logs are held at a time, and of those that wait only as many as are kept are read and stored:
/// the newest.
class EvidenceKeeper {
 public:
  /// `builds` outlives it.
  EvidenceKeeper(const batch::Batch& batch, const Builds& builds, Channel& channel)
      : builds_(builds), channel_(channel), store_(OwnerOf(batch), channel) {}

  /// A running build was found to hang. What was kept of this attempt before is replaced.
  EvidenceReference Keep(const JobView& job, const PodView& pod, Evidence evidence);
  /// A build was ended by its runner because it hung: its evidence is looked for in the log, which has grown
  /// since it was kept, or was never read; where it is there no more, the runner's account takes its place.
  void KeepEnded(const JobView& job, const PodView& pod, const Outcome& outcome);

  /// Something of the attempt is still to be read or stored.
  bool Busy(const std::string& job) const { return tasks_.contains(job); }
  bool Idle() const { return tasks_.empty(); }
  /// Those that are busy no more since the last call.
  std::vector<std::string> TakeSettled() { return std::exchange(settled_, {}); }

  /// The attempt has ended: where its evidence is, or will be; both empty where it has none.
  EvidenceReference Forget(const std::string& job);

  std::vector<EvidenceRefused> TakeRefused() { return std::exchange(refused_, {}); }

  void Step(Now now);
  std::optional<SteadyTime> Next() const;

 private:
  struct Task {
    uint64_t id = 0;  // tells it from one that it has replaced
    std::string build;
    int attempt = 1;
    PodView pod;
    std::optional<LogSearch> search;  // while the evidence is not known
    std::optional<Evidence> evidence;
    LogEnd end;
    std::optional<std::string> log;
    int pieces = 0, failures = 0;
    Backoff backoff;
    bool waiting = false;  // for a reply, or for the store
  };

  /// Ends of logs in memory at once, on their way here or to the store.
  static constexpr size_t kMostEnds = 4;

  Task& Begin(const JobView& job, const PodView& pod);
  Task* Find(const std::string& job, uint64_t id);
  void Advance(const std::string& job, Now now);
  void Read(const std::string& job, const Task& task);
  void OnPiece(Task& task, const Result<kube::Response>& response, Now now);
  void OnEnd(Task& task, const Result<kube::Response>& response, Now now);
  bool GiveUp(Task& task, const Result<kube::Response>& response, Now now);
  void Found(const std::string& job, Task& task, std::optional<Evidence> evidence);
  void Store(const std::string& job, Task& task);
  void PassOver(const std::pair<std::string, uint64_t>& waiting);

  const Builds& builds_;
  Channel& channel_;
  EvidenceStore store_;
  uint64_t last_id_ = 0;
  std::map<std::string, Task> tasks_;                     // by Job name, as all of these
  std::map<std::string, EvidenceReference> references_;   // of attempts that have not ended
  std::set<uint64_t> ends_;                               // tasks that have the end of a log, or ask for it
  std::deque<std::pair<std::string, uint64_t>> waiting_;  // for a place there; jobs, and ids of their tasks
  Timers timers_;
  std::vector<std::string> settled_;
  std::vector<EvidenceRefused> refused_;
};

}  // namespace imagebatch::cluster
