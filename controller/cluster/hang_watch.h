#pragma once
#include <optional>
#include <string>

#include "cluster/evidence.h"
#include "cluster/requests.h"
#include "cluster/views.h"

namespace imagebatch::cluster {

/// Follows one running build: its Pod's readiness is what its runner says of its progress. While it is ready
/// nothing is asked of anyone; once it is not, its log is read for the verdict and the evidence.
/// A build that stays unready without a verdict in its log for 3 probe periods + 30 s is Unobserved.
class HangWatch {
 public:
  /// What to do now for the Pod as it is seen; `read_log` asks for a Request to LogRequest's path.
  struct Step {
    bool read_log = false;
    bool changed = false;  // the verdict has come, changed or gone
  };
  Step Look(const PodView& pod, SteadyTime now);

  /// The log has been read; nothing where that failed.
  /// True where the verdict has changed.
  bool OnLog(const std::optional<std::string>& log, SteadyTime now, Time wall);

  const std::optional<HangVerdict>& verdict() const { return verdict_; }

  /// When Look has something to do that it has not now, for time alone.
  std::optional<SteadyTime> Next() const;

 private:
  std::optional<HangVerdict> verdict_;
  std::optional<SteadyTime> unready_since_;
  SteadyTime next_read_{};
  bool reading_ = false;
};

/// GET of the end of a build's log: from 15 s before it turned unready, at most 1 MiB.
kube::Request LogRequest(const PodView& pod);

}  // namespace imagebatch::cluster
