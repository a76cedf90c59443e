#pragma once
#include "cli/exit.h"

namespace CLI {
class App;
}

namespace imagebatch::local {

/// imagebatch run FILE... [--parallelism N]: builds a batch on this machine.
void AddRun(CLI::App& app, cli::Exit& exit);

}  // namespace imagebatch::local
