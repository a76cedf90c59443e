#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/expand.h"
#include "batch/types.h"
#include "cluster/objects/job_object.h"
#include "cluster/store/backoff.h"
#include "cluster/store/channel.h"

namespace imagebatch::cluster {

/// Finds out whether a batch is wholly valid, before anything runs: reads its ConfigMaps, expands its rows,
/// and, for a batch that has not started, has the API server check the first Job of each stage in a dry run.
/// Where something is wrong or lacking it is looked at again, after 30 s at first, later after 5 min; rows
/// are expanded again only where a ConfigMap has changed.
class Input {
 public:
  /// Lacking: not to be judged yet, for a cause that may pass: a ConfigMap is missing, or a quota or a policy
  /// refuses a Job. Invalid: wrong until somebody changes it.
  enum class State { Reading, Checking, Valid, Lacking, Invalid };

  Input(const batch::Batch& batch, bool started, RunnerSource runner, Channel& channel);

  void Step(Now now);
  std::optional<SteadyTime> Next() const;

  State state() const { return state_; }
  /// Of one that is Reading or Checking: the last request failed, and will be tried again.
  bool Failing() const { return backoff_.Failing(); }
  /// Of a Lacking one, for the condition: RowsMissing or JobsRefused.
  const std::string& reason() const { return reason_; }
  /// Of an Invalid or Lacking one: all problems in one text, at most 4 KiB.
  const std::string& problems() const { return problems_; }
  /// Of a Valid one; once.
  batch::Expansion TakeExpansion() { return std::move(expansion_); }
  /// InputDigest of a Valid one.
  const std::string& digest() const { return digest_; }

 private:
  void ReadConfigMap(size_t i);
  void Expand(Now now);
  void Check();
  void CheckStage(size_t stage);
  void Refused(size_t stage, const kube::Response& response, SteadyTime now);
  void Reject(State state, std::string problems, SteadyTime now);
  bool Rejected() const { return state_ == State::Invalid || state_ == State::Lacking; }

  const batch::Batch& batch_;
  const bool started_;
  const RunnerSource runner_;
  Channel channel_;  // a changed spec replaces the Input while its requests are under way
  State state_ = State::Reading;
  std::string reason_, problems_, digest_;
  batch::Expansion expansion_;
  const std::vector<batch::ConfigMapKey> sources_;
  std::vector<std::optional<std::string>> texts_;  // of the ConfigMaps' keys, as they arrive
  std::vector<std::string> versions_, judged_;     // of the ConfigMaps: as they arrive, as they were expanded
  size_t under_way_ = 0;                           // requests
  size_t unchecked_ = 0;                           // stages whose dry run has not passed
  std::vector<size_t> to_check_;
  std::vector<batch::Problem> found_, missing_;
  SteadyTime again_{};  // when one that was rejected is looked at again
  Duration pause_;      // until then
  Backoff backoff_;
};

/// SHA-256 of all that is immutable once the batch has started and that goes into a build: images, variables,
/// stages, and of the rows that are selected, in their order, the names and the columns that the stages use.
std::string InputDigest(const batch::Batch& batch, const batch::Rows& rows);

/// Which of the ways to make a digest this program has. Only digests of the same version can be compared: a
/// program of another version takes the input as it finds it.
inline constexpr int kDigestVersion = 2;

/// Problems as one text for a condition: "where: message; where: message".
std::string Describe(const std::vector<batch::Problem>& problems);

}  // namespace imagebatch::cluster
