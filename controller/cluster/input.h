#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/expand.h"
#include "batch/types.h"
#include "cluster/requests.h"

namespace imagebatch::cluster {

/// Finds out whether a batch is wholly valid, before anything runs: reads its ConfigMaps, expands its rows,
/// and, for a batch that has not started, has the API server check the first Job of each stage in a dry run.
/// What is invalid for a reason outside the object (a missing ConfigMap, a refused dry run) is looked at
/// again every 30 s.
class Input {
 public:
  enum class State { Reading, Checking, Valid, Invalid };

  Input(const batch::Batch& batch, bool started, std::string runner_image, Requests& requests,
        const void* owner);

  void Step(Now now);
  std::optional<SteadyTime> Next() const;

  State state() const { return state_; }
  /// Of an Invalid one: all problems in one text, at most 4 KiB.
  const std::string& problems() const { return problems_; }
  /// Of a Valid one.
  /// Of a valid one; once.
  batch::Expansion TakeExpansion() { return std::move(expansion_); }
  /// SHA-256 of all that is immutable once the batch has started: images, variables, stages and the rows.
  const std::string& digest() const { return digest_; }

 private:
  void Send(kube::Request request, Requests::Handler handler);
  void ReadConfigMap(size_t i);
  void Expand(Now now);
  void CheckStage(size_t stage);
  void Reject(std::string problems, SteadyTime now);

  const batch::Batch& batch_;
  const bool started_;
  const std::string runner_image_;
  Requests& requests_;
  const void* owner_;
  // A changed spec replaces the Input while its requests are under way: their replies are then nobody's
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
  State state_ = State::Reading;
  std::string problems_, digest_;
  batch::Expansion expansion_;
  std::vector<std::optional<std::string>> texts_;  // of the ConfigMaps' keys, as they arrive
  size_t under_way_ = 0;                           // requests
  size_t unchecked_ = 0;                           // stages whose dry run has not passed
  std::vector<size_t> to_check_;
  std::vector<batch::Problem> found_;
  SteadyTime again_{};  // when an Invalid one is looked at again
  Backoff backoff_;
};

/// Problems as one text for a condition: "where: message; where: message".
std::string Describe(const std::vector<batch::Problem>& problems);

}  // namespace imagebatch::cluster
