#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "cluster/objects/job_object.h"

namespace imagebatch::cluster {

/// Markers by which a runner's own words are told from what its build prints: for each attempt one of its
/// own, that nobody can guess. They are not kept here: the Pod carries the one that counts.
class Markers {
 public:
  /// `secret`: random, and of this process alone.
  explicit Markers(std::string secret) : secret_(std::move(secret)) {}

  /// 128 bits as 32 hexadecimal digits; another one with each call.
  std::string Next(const std::string& job);

 private:
  const std::string secret_;
  uint64_t count_ = 0;
};

/// What a build's Pod gets from us.
struct RunnerKit {
  RunnerSource runner;
  Markers markers;
};

}  // namespace imagebatch::cluster
