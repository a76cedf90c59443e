#pragma once
#include "cli/exit.h"

namespace CLI {
class App;
}

namespace imagebatch::rows {

/// imagebatch rows FILE | --dataset NAME: rows as ConfigMaps.
void AddRows(CLI::App& app, cli::Exit& exit);

}  // namespace imagebatch::rows
