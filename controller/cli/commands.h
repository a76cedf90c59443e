#pragma once
#include "cli/exit.h"

namespace CLI {
class App;
}

/// The commands that need neither a cluster nor a runner. Each room with commands has functions like these:
/// they add a subcommand with its options to `app`, which does its work while `app` parses, and then sets
/// `exit`.
namespace imagebatch::cli {

/// imagebatch new BATCH --images FILE: a batch file for a builder and a list of images.
void AddNew(CLI::App& app, Exit& exit);

/// imagebatch validate FILE...: is the batch right, and if not, where and why.
void AddValidate(CLI::App& app, Exit& exit);

/// imagebatch render FILE... [--build BUILD]: the Jobs that the controller would create.
void AddRender(CLI::App& app, Exit& exit);

/// imagebatch completion bash|zsh|fish: a script that completes the command lines of all that `app` has by
/// then, while it parses.
void AddCompletion(CLI::App& app, Exit& exit);

}  // namespace imagebatch::cli
