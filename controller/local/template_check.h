#pragma once
#include <string>
#include <vector>

#include "batch/types.h"

namespace imagebatch::local {

/// What this machine makes of the Pod templates of a batch.
struct TemplateCheck {
  /// What would have the command find something else than in a Pod, and every field that is not known to
  /// leave it as it is: with the path, and the way out.
  std::vector<batch::Problem> refused;
  /// Fields that change nothing the command is told, such as resources: each once, in words for people, with
  /// the stages that have them where not all do.
  std::vector<std::string> ignored;
};

/// Honoured are command, args, env, workingDir and terminationGracePeriodSeconds. `batch` comes from
/// ReadBatch.
TemplateCheck CheckTemplates(const batch::Batch& batch);

}  // namespace imagebatch::local
