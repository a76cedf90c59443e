#pragma once
#include "cli/exit.h"

namespace CLI {
class App;
}

namespace imagebatch::cli {

/// The commands that talk to a cluster: apply, status, watch, wait, describe, logs, evidence, report, retry,
/// suspend, resume, cancel. As cli/commands.h has it.
void AddClusterCommands(CLI::App& app, Exit& exit);

}  // namespace imagebatch::cli
