// imagebatch: one program for all that a person or the cluster calls. `imagebatch --help` lists the commands.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "batch/problems.h"
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

std::vector<const CLI::App*> CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// Nothing where there is no command of this name.
const CLI::App* FindCommand(const CLI::App& app, const std::string& name) {
  for (const CLI::App* command : CommandsOf(app)) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

std::string NoCommand(const CLI::App& app, const std::string& name) {
  std::vector<std::string> names;
  for (const CLI::App* command : CommandsOf(app)) names.push_back(command->get_name());
  return "there is no command " + Quote(name) + batch::DidYouMean(name, {names.begin(), names.end()});
}

/// What is wrong with the first word; empty where nothing is. CLI11 would name only what follows from it.
std::string FirstWordProblem(const CLI::App& app, int argc, char** argv) {
  if (argc < 2) return "which command?";
  const std::string word = argv[1];
  if (word == "-h" || word == "--help" || word == "--version") return "";
  if (word.starts_with('-')) return Quote(word) + ": options stand behind the command";
  return FindCommand(app, word) == nullptr ? NoCommand(app, word) : "";
}

cli::Exit WrongUsage(const CLI::App& app, const std::string& problem) {
  std::cerr << app.get_name() << ": " << problem << "\n" << app.get_name() << " --help lists the commands\n";
  return cli::Exit::Usage;
}

/// imagebatch help [COMMAND]
void AddHelp(CLI::App& app, cli::Exit& exit) {
  CLI::App* help = app.add_subcommand("help", "Print this text, or that of a command");
  const auto about = std::make_shared<std::string>();
  help->add_option("COMMAND", *about, "print the help of this one")->type_name("");
  help->callback([&app, &exit, about] {
    const CLI::App* command = about->empty() ? &app : FindCommand(app, *about);
    if (command == nullptr) {
      exit = WrongUsage(app, NoCommand(app, *about));
    } else if (command == &app) {
      // App::help() would be that of the command that was given, which is this one
      std::cout << app.get_formatter()->make_help(&app, app.get_name(), CLI::AppFormatMode::Normal);
    } else {
      std::cout << command->help(app.get_name());
    }
  });
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
  app.footer(R"(Examples:
  imagebatch run manifests/samples/first-run.yaml    a batch on this machine: the quickest way to see what it does
  imagebatch apply -n builds -f batch.yaml           the same file in a cluster; then imagebatch watch -n builds NAME
  imagebatch COMMAND --help                          tells more of a command, with an example)");
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
  AddHelp(app, exit);
  if (const std::string problem = FirstWordProblem(app, argc, argv); !problem.empty())
    return static_cast<int>(WrongUsage(app, problem));
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
