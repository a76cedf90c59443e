#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "batch/types.h"

namespace imagebatch::local {

/// What this machine makes of a batch.
struct BatchCheck {
  /// What would have the command find something else than in a Pod, or the batch do something else than in a
  /// cluster, and every field that is not known to leave both as they are: with the path, and the way out.
  std::vector<batch::Problem> refused;
  /// Fields that change nothing the command is told, such as resources: each once, in words for people, with
  /// the stages that have them where not all do.
  std::vector<std::string> ignored;
};

/// Of Pod templates, command, args, env, workingDir and terminationGracePeriodSeconds are honoured. `object`:
/// the ImageBatch as it is written; `batch`: as ReadBatch has read it.
BatchCheck CheckBatch(const nlohmann::json& object, const batch::Batch& batch);

}  // namespace imagebatch::local
