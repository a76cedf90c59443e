// imagebatch: one program for all that a person or the cluster calls. `imagebatch --help` lists the commands.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "cli/cluster/commands.h"
#include "cli/commands.h"
#include "daemon/controller_command.h"
#include "local/run_command.h"
#include "rows/commands.h"

namespace {

using namespace imagebatch;

/// "imagebatch render", of the command whose arguments are wrong.
std::string NameOf(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return app.get_name() + (chosen.empty() ? "" : " " + chosen.front()->get_name());
}

/// What the person has typed: kubectl calls `kubectl-imagebatch` for `kubectl imagebatch`.
std::string OwnName(const char* path) {
  const std::string_view called = path;
  return called.ends_with("kubectl-imagebatch") ? "kubectl imagebatch" : "imagebatch";
}

/// CLI11 would take the next argument for the value of `--option=`.
std::string_view WithoutValue(int argc, char** argv) {
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with("--") && word.find('=') == word.size() - 1) return word.substr(0, word.size() - 1);
  }
  return "";
}

int Run(int argc, char** argv) {
  if (const std::string_view option = WithoutValue(argc, argv); !option.empty()) {
    std::cerr << "imagebatch: " << option << " needs a value: " << option << "=VALUE\n";
    return static_cast<int>(cli::Exit::Usage);
  }
  cli::Exit exit = cli::Exit::Done;
  CLI::App app("Build container images in batches on Kubernetes, and tell which builds hang.",
               OwnName(argv[0]));
  app.set_version_flag("--version", "imagebatch " IMAGEBATCH_VERSION);
  app.set_help_flag("-h,--help", "this text, or that of a command");
  app.require_subcommand(1);
  app.get_formatter()->column_width(32);
  cli::AddNew(app, exit);
  cli::AddValidate(app, exit);
  cli::AddRender(app, exit);
  rows::AddRows(app, exit);
  cli::AddClusterCommands(app, exit);
  local::AddRun(app, exit);
  daemon::AddController(app, exit);
  cli::AddCompletion(app, exit);
  app.add_subcommand("version", "Print the version")->callback([] {
    std::cout << "imagebatch " IMAGEBATCH_VERSION "\n";
  });
  app.add_subcommand("help", "Print this text")->callback([&app] { std::cout << app.help(); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    return app.exit(wanted);  // prints the help or the version
  } catch (const CLI::ParseError& error) {
    const std::string name = NameOf(app);
    std::cerr << name << ": " << error.what() << "\n" << name << " --help tells more\n";
    return static_cast<int>(cli::Exit::Usage);
  }
  std::cout.flush();
  if (!std::cout) {
    std::cerr << "imagebatch: the output cannot be written\n";
    return static_cast<int>(cli::Exit::Failed);
  }
  return static_cast<int>(exit);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {  // out of memory, or a fault of ours
    std::cerr << "imagebatch: " << error.what() << "\n";
    return static_cast<int>(cli::Exit::Failed);
  }
}
