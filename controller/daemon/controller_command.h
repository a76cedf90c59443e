#pragma once
#include "cli/exit.h"

namespace CLI {
class App;
}

namespace imagebatch::daemon {

/// imagebatch controller: builds the ImageBatches of a cluster until it is told to stop (SIGTERM, SIGINT).
void AddController(CLI::App& app, cli::Exit& exit);

}  // namespace imagebatch::daemon
