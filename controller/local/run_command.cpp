#include "local/run_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/batch_file.h"
#include "local/batch_check.h"
#include "local/run.h"

namespace imagebatch::local {
namespace {

namespace fs = std::filesystem;
using cli::Exit;

struct Options {
  std::vector<std::string> files;
  int parallelism = 0;
  RunOptions run;
};

std::string Listed(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + text;
  return list;
}

/// What of the batch means nothing here: said once, so that nobody misses it.
void TellWhatIsIgnored(const std::vector<std::string>& ignored) {
  std::cerr
      << "imagebatch: builds run as processes of this machine; the image of their container has no effect";
  if (!ignored.empty()) std::cerr << ", nor have " << Listed(ignored);
  std::cerr << "\n";
}

/// Beside this program; empty where it is not there.
std::string FindRunner() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path runner = program.parent_path() / "imagebatch-runner";
  return !error && fs::is_regular_file(runner, error) ? runner.string() : "";
}

Exit Refuse(Exit exit, const std::string& message) {
  std::cerr << "imagebatch run: " << message << "\n";
  return exit;
}

Exit RunBatch(Options options) {
  auto file = cli::ReadBatchFile(options.files);
  if (!file) {
    for (const std::string& problem : file.error()) std::cerr << problem << "\n";
    return Exit::Usage;
  }
  batch::Batch& batch = file->batch;
  const BatchCheck check = CheckBatch(file->object, batch);
  for (const batch::Problem& problem : check.refused)
    std::cerr << file->file << ": " << problem.where << ": " << problem.message << "\n";
  if (!check.refused.empty()) return Exit::Usage;
  if (batch.suspend) {
    return Refuse(Exit::Usage,
                  file->file + ": spec.suspend is true, so that nothing would start; take it out");
  }
  if (options.parallelism > 0) batch.parallelism = options.parallelism;

  std::string& runner = options.run.runner;
  if (runner.empty()) runner = FindRunner();
  if (runner.empty()) {
    return Refuse(Exit::Failed,
                  "there is no imagebatch-runner beside this program; say where it is: --runner PATH");
  }
  std::error_code error;
  runner = fs::absolute(runner, error);
  if (access(runner.c_str(), X_OK) != 0)
    return Refuse(Exit::Failed, "--runner: " + runner + " is no program that can be run");
  TellWhatIsIgnored(check.ignored);
  return Run(batch, *std::move(file->expansion), options.run);
}

}  // namespace

void AddRun(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("run", "Build a batch on this machine, without a cluster");
  command->footer(
      R"(Each build runs as a process. Results, logs and evidence of hangs go to builds/BATCH. Run the same
command again to go on after a stop or a kill.

Examples:
  imagebatch run batch.yaml
  imagebatch run batch.yaml rows.yaml --parallelism 4

Exit codes: 0 every build succeeded, 1 a build failed or the run was stopped, 2 wrong usage or a batch
that is not valid here, 3 a build failed because it hung, or nothing but hung builds was left.)");
  const auto options = std::make_shared<Options>();
  command->add_option("FILE", options->files, "YAML or JSON; - is the standard input")->required();
  command->add_option("--parallelism", options->parallelism, "builds at once, instead of spec.parallelism")
      ->check(CLI::Range(1, 10000));
  command->add_option("--runner", options->run.runner,
                      "imagebatch-runner, where it is not beside imagebatch");
  command->add_option("--metrics", options->run.metrics, "serve /metrics on ADDRESS:PORT");
  command->callback([options, &exit] { exit = RunBatch(*options); });
}

}  // namespace imagebatch::local
