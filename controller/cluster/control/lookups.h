#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/objects/builds.h"
#include "cluster/objects/views.h"
#include "cluster/store/channel.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// spec.existing: Skip. Asks the registry for the images of builds that could start, before their first
/// attempt, and tells the plan: what is there is skipped, what is not there is built. A registry that is
/// throttled is asked again when it says so; one that denies or does not answer after 15 s, 30 s and so on to
/// 2 min. Until there is an answer the build waits: neither is a reason to build what may exist. A few of a
/// batch are asked at once, so that no batch keeps the others waiting.
class Lookups {
 public:
  static constexpr size_t kAtOnce = 16;

  Lookups(const Builds& builds, plan::Plan& plan, Channel& channel)
      : builds_(builds), plan_(plan), channel_(channel) {}

  /// `may_ask`: something may be started.
  void Step(bool may_ask, Now now);
  std::optional<SteadyTime> Next() const;

  struct Found {
    uint32_t build = 0;
    std::string digest;
  };
  /// Builds that the plan skips since the last call.
  std::vector<Found> TakeFound() { return std::exchange(found_, {}); }

 private:
  void Ask(uint32_t build);
  void Answered(uint32_t build, const registry::Answer& answer, Now now);

  const Builds& builds_;
  plan::Plan& plan_;
  Channel& channel_;
  std::set<uint32_t> under_way_;
  std::map<uint32_t, int> refusals_;                   // in a row
  std::set<std::pair<SteadyTime, uint32_t>> waiting_;  // by when they are asked again
  bool may_ask_ = false;
  std::vector<Found> found_;
};

}  // namespace imagebatch::cluster
