#include "cluster/control/salvage.h"

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

#include "cluster/objects/names.h"
#include "cluster/store/status_object.h"

namespace imagebatch::cluster {
namespace {

/// Builds, stage by stage, each once.
class Found {
 public:
  explicit Found(const batch::Batch& batch) : batch_(batch), by_stage_(batch.stages.size()) {}

  void Add(const std::string& stage, const std::string& name, const std::string& image,
           const std::string& hash) {
    const auto index = IndexOf(stage);
    if (!index || hash != BuildHash(batch_.uid, stage, name) || !hashes_.insert(hash).second) return;
    by_stage_[*index].push_back({*index, 0, texts_.Store(name), texts_.Store(image)});
  }

  /// Those of which only the number is known.
  void Fill(const metrics::StageCounts& counts) {
    const auto index = IndexOf(counts.stage);
    if (!index) return;
    const int64_t total = counts.waiting + counts.queued + counts.held + counts.pending + counts.running +
                          counts.succeeded + counts.skipped + counts.failed;
    // Whoever may write a status may write a number
    const auto wanted =
        static_cast<size_t>(std::clamp<int64_t>(total, 0, static_cast<int64_t>(batch::kMaxBuilds)));
    std::vector<batch::Build>& builds = by_stage_[*index];
    if (builds.size() < wanted) builds.resize(wanted, {*index, 0, {}, {}});
  }

  batch::Expansion Take() {
    batch::Expansion expansion;
    expansion.texts = std::move(texts_);
    for (const std::vector<batch::Build>& builds : by_stage_)
      expansion.builds.insert(expansion.builds.end(), builds.begin(), builds.end());
    for (size_t i = 0; i < expansion.builds.size(); ++i) expansion.needs.Add({});
    return expansion;
  }

 private:
  std::optional<uint32_t> IndexOf(const std::string& stage) const {
    for (uint32_t i = 0; i < batch_.stages.size(); ++i) {
      if (batch_.stages[i].name == stage) return i;
    }
    return std::nullopt;
  }

  const batch::Batch& batch_;
  TextPool texts_;
  std::vector<std::vector<batch::Build>> by_stage_;
  std::unordered_set<std::string> hashes_;
};

}  // namespace

batch::Expansion Salvage(const batch::Batch& batch, const std::vector<JobSeen>& jobs,
                         const std::deque<ResultKey>& stored, const nlohmann::json& status) {
  Found found(batch);
  for (const auto& [change, job] : jobs) {
    if (job.batch_uid == batch.uid && job.names)
      found.Add(job.names->stage, job.names->name, job.names->image, job.build);
  }
  for (const ResultKey& result : stored) found.Add(result.stage, result.name, "", result.build);
  for (const metrics::StageCounts& counts : StagesIn(status)) found.Fill(counts);
  return found.Take();
}

}  // namespace imagebatch::cluster
