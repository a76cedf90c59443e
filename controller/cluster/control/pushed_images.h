#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "cluster/objects/builds.h"
#include "cluster/objects/outcome.h"
#include "cluster/objects/views.h"
#include "cluster/store/channel.h"

namespace imagebatch::cluster {

/// spec.existing: Skip. What the registry has of an image after its build has exited with 0: the digest, or
/// nothing, which is no success. A registry that does not say within 5 min is not asked any more, and the
/// build's word counts.
class PushedImages {
 public:
  PushedImages(const Builds& builds, Channel& channel) : builds_(builds), channel_(channel) {}

  /// True: it is known what the attempt has pushed, or given up. Otherwise `answered` is called when to look
  /// again.
  bool Known(const std::string& job, uint32_t build, Now now, std::function<void(Now)> answered);
  /// When Known is to be called again for time alone.
  std::optional<SteadyTime> Due(const std::string& job) const;
  /// Adds the digest to the outcome of an attempt, or makes a failure of it; forgets it.
  void Take(const std::string& job, uint32_t build, Outcome& outcome);

 private:
  struct Look {
    SteadyTime first{};
    std::optional<SteadyTime> again;  // to be asked
    bool under_way = false, done = false;
    int absences = 0;
    std::string digest;
  };

  const Builds& builds_;
  Channel& channel_;
  std::map<std::string, Look> looks_;  // by Job
};

}  // namespace imagebatch::cluster
