#pragma once
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/objects/record.h"
#include "cluster/store/backoff.h"
#include "cluster/store/channel.h"

namespace imagebatch::cluster {

/// At most so many hung attempts of a batch keep their evidence; a new one takes the place of the oldest.
inline constexpr size_t kKeptEvidence = 20;

/// What is kept of one hung attempt.
struct EvidenceText {
  std::string build;  // hash
  int attempt = 1;
  std::string stage, name;  // empty where they are not known
  std::string evidence;     // JSON
  std::string log;          // valid UTF-8
  bool of_batch = true;     // false: of a Pod of none, `name`; it has no attempts
};

/// Where it is kept.
struct EvidenceReference {
  std::string record;  // empty: nowhere, the API server would not have it
  std::string sha256;  // of the evidence's text
};

/// The evidence of one batch, or of one controller of watched Pods: an ImageBatchRecord
/// <owner, cut>-evidence-<build>-<attempt> for each hung attempt, so that it outlasts the Pod and goes with
/// its owner. Written one after
/// another; a write that failed or whose reply was lost is sent again, and changes nothing where it had taken
/// effect. What is there is listed before the first write, so a batch without hangs asks nothing.
class EvidenceStore {
 public:
  EvidenceStore(RecordOwner owner, Channel& channel) : owner_(std::move(owner)), channel_(channel) {}

  /// `done` is called once: with an empty text when it is stored, else with why the API server refuses it.
  using Done = std::function<void(const std::string& refusal, Now now)>;
  void Put(EvidenceText text, Done done);

  std::string Name(const std::string& build, int attempt) const;

  void Step(Now now);
  std::optional<SteadyTime> Next() const;

 private:
  struct Waiting {
    EvidenceText text;
    Done done;
  };

  void Load();
  void DeleteOldest();
  void Write(const std::string& name, bool exists);
  void Send(Purpose purpose, kube::Request request, std::function<void(const kube::Response&, Now)> answered);
  void Settle(const std::string& refusal, Now now);

  const RecordOwner owner_;
  Channel& channel_;
  std::deque<Waiting> waiting_;
  std::optional<std::vector<std::string>> stored_;  // names, oldest first; nothing: not listed yet
  bool asking_ = false;
  Backoff backoff_;
};

}  // namespace imagebatch::cluster
