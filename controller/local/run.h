#pragma once
#include <optional>
#include <string>

#include "batch/expand.h"
#include "batch/types.h"
#include "cli/exit.h"

namespace imagebatch::local {

struct RunOptions {
  std::string runner;   // the path of imagebatch-runner
  std::string metrics;  // address of /metrics; empty: none
};

/// Builds a batch on this machine, from where an earlier run left it: what happens is shown on the standard
/// output, what stands in the way on the standard error. SIGINT, SIGTERM and SIGHUP end the run with its
/// builds. Done: every build succeeded. Hung: a build failed because it hung, or hangs and nothing
/// else is left to do. Failed: anything else, a run that was stopped included.
cli::Exit Run(const batch::Batch& batch, batch::Expansion expansion, const RunOptions& options);

}  // namespace imagebatch::local
