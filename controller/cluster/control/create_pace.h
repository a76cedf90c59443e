#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cluster/store/backoff.h"
#include "cluster/store/requests.h"

namespace imagebatch::cluster {

/// How fast the Jobs of one batch are created: which of those that wait may be asked for now. Slow start, as
/// in Kubernetes' own Job controller (slowStartBatch in pkg/controller/job): the first alone, and one more at
/// once with each that succeeds, so twice as many in each round, at most kMost. After a refusal a single one
/// probes, and the others wait until one succeeds: after a quota's 1 s later, then after twice the time, up
/// to 30 s; after any other 1 s later, since it may be about that Job alone.
///
/// First come, first served within a stage; a refusal makes it the next stage's turn, because Jobs of one
/// stage ask for the same and those of another may fit.
class CreatePace {
 public:
  static constexpr size_t kMost = 100;

  /// What a reply says about the creates to come.
  enum class Sign : uint8_t {
    Works,  // it was created
    None,   // nothing: its name is taken, or it is wrong itself
    Quota,  // refused by a quota that others use up
    Fails,  // refused otherwise, or nobody knows
  };

  /// False: nobody's turn comes.
  void Allow(bool creates) { allowed_ = creates; }

  /// `name` waits for its turn, behind those that do; where it waits already, nothing changes.
  void Wait(const std::string& name, size_t stage);
  /// It does not wait any more; where it does not, nothing changes.
  void Leave(const std::string& name);

  /// Those whose turn it is. Each counts as under way until its Answered.
  std::vector<std::string> Take(SteadyTime now);
  void Answered(Sign sign, SteadyTime now);

  /// A quota has refused one, and none has been created since.
  bool held() const { return held_; }
  std::vector<std::string> Waiting() const;

  /// When Take has something that it has not now, for time alone.
  std::optional<SteadyTime> Next() const;

 private:
  using Place = std::pair<size_t, uint64_t>;  // a stage, and a number in the order in which they came
  size_t Room(SteadyTime now) const;
  void Close(SteadyTime now);

  std::map<Place, std::string> waiting_;
  std::unordered_map<std::string, Place> places_;
  uint64_t last_number_ = 0;
  size_t turn_ = 0;  // the stage
  bool allowed_ = true;
  size_t under_way_ = 0;
  size_t window_ = 1;     // how many may be
  bool probing_ = false;  // one alone, not before next_
  bool probe_sent_ = false;
  bool held_ = false;
  SteadyTime next_{};
  Backoff backoff_;
};

}  // namespace imagebatch::cluster
