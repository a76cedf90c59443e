#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text_index.h"
#include "batch/expand.h"
#include "cluster/objects/job_object.h"
#include "cluster/objects/names.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// The builds of a batch: all that is known of build number n before anything runs. Numbers count from 0, in
/// the order of the expansion. Policies are those of the batch as it is at the time of the call.
class Builds {
 public:
  /// `batch` outlives it.
  Builds(const batch::Batch& batch, batch::Expansion expansion);

  size_t size() const { return expansion_.builds.size(); }
  const batch::Stage& stage(uint32_t build) const { return batch_.stages[expansion_.builds[build].stage]; }
  /// Its key, which is the row's name where the stage gives none.
  std::string name(uint32_t build) const { return std::string(expansion_.builds[build].key); }
  /// What it pushes.
  std::string image(uint32_t build) const { return std::string(expansion_.builds[build].image); }
  batch::HangPolicy hang(uint32_t build) const { return batch::Override(batch_.hang, stage(build).hang); }
  batch::StallPolicy stall(uint32_t build) const { return batch::Override(batch_.stall, stage(build).stall); }

  /// BuildHash of it, and the way back.
  std::string_view hash(uint32_t build) const { return {hashes_[build].data(), kBuildHashSize}; }
  std::optional<uint32_t> Find(std::string_view hash) const;
  /// By its stage's and its own name.
  std::optional<uint32_t> Find(std::string_view stage, std::string_view name) const;

  /// The name of an attempt's Job; derived, so that a second create meets the first one's.
  std::string JobName(uint32_t build, int attempt) const;
  /// Which attempt of which build the Job of this name is for; nothing where that is no such name.
  std::optional<std::pair<uint32_t, int>> FindJob(std::string_view name) const;
  /// The Job itself, as JSON.
  std::string Job(const plan::Start& start, const RunnerSource& runner, const std::string& marker) const;

  /// What the plan has to know.
  plan::Graph Graph() const;

 private:
  const batch::Batch& batch_;
  const batch::Expansion expansion_;
  std::vector<std::array<char, kBuildHashSize>> hashes_;
  TextIndex index_;
};

}  // namespace imagebatch::cluster
