#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/objects/evidence.h"
#include "cluster/objects/log_end.h"
#include "cluster/objects/views.h"
#include "cluster/store/backoff.h"
#include "cluster/store/channel.h"
#include "cluster/store/evidence_store.h"

namespace imagebatch::cluster {

/// Where the evidence of a watched Pod is kept: the name of an ImageBatchRecord in its namespace.
std::string RecordNameOf(const WatchedPod& watched);

/// Brings the evidence of watched Pods that hang to records of their controllers, kKeptEvidence for each:
/// with the end of the log, where that can be read within 3 tries. However many hang together, kAtOnce are
/// dealt with at a time, and nothing is kept of the others but their UIDs.
class WatchedEvidence {
 public:
  static constexpr size_t kAtOnce = 4;

  /// What is to be kept of the Pod with this UID; null where there is nothing any more.
  struct Subject {
    const WatchedPod* pod = nullptr;
    const Evidence* evidence = nullptr;
  };
  using Find = std::function<Subject(const std::string& uid)>;
  struct Refused {
    std::string uid, message;
  };

  WatchedEvidence(Channel& channel, Find find) : channel_(channel), find_(std::move(find)) {}

  /// The Pod has evidence that is not kept yet.
  void Keep(const std::string& uid);

  /// Pods whose evidence the API server will not have.
  std::vector<Refused> TakeRefused() { return std::exchange(refused_, {}); }

  void Step(Now now);
  std::optional<SteadyTime> Next() const;

 private:
  struct Task {
    uint64_t id = 0;
    std::string owner;
    PodView pod;
    EvidenceText text;
    std::unique_ptr<EvidenceStore> store;
    LogEnd end;
    int failures = 0;
    bool reading = false, read = false, done = false;
    Backoff backoff;
  };

  bool Begin(const std::string& uid);
  void Read(const std::string& uid, Task& task);
  void OnEnd(Task& task, const Result<kube::Response>& response, Now now);

  Channel& channel_;
  const Find find_;
  uint64_t last_id_ = 0;
  std::deque<std::string> waiting_;    // UIDs
  std::map<std::string, Task> tasks_;  // by UID
  std::vector<Refused> refused_;
};

}  // namespace imagebatch::cluster
