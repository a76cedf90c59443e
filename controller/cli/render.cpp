#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "base/text.h"
#include "cli/batch_file.h"
#include "cli/commands.h"
#include "cluster/objects/job_object.h"
#include "cluster/objects/names.h"
#include "document/write.h"

namespace imagebatch::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string build;
  std::string output = "yaml";
};

/// What the cluster decides, in words that nobody takes for the real thing.
constexpr const char* kUid = "00000000-0000-0000-0000-000000000000";
constexpr const char* kRunnerImage = "the-image-of-the-controller";

nlohmann::json JobOf(const BatchFile& file, size_t index) {
  const batch::Build& build = file.expansion->builds[index];
  const batch::Stage& stage = file.batch.stages[build.stage];
  const std::string key(build.key);
  const cluster::JobSpec spec{
      cluster::BuildHash(file.batch.uid, stage.name, key), key, 1, {.image = kRunnerImage}, ""};
  auto job = cluster::JobObject(file.batch, stage, build, spec,
                                batch::RenderTemplate(file.batch, *file.expansion, index));
  if (file.batch.ns.empty()) job["metadata"].erase("namespace");
  return job;
}

/// BUILD is "stage/key", or the key alone where one stage has it.
bool IsCalled(const batch::Batch& batch, const batch::Build& build, const std::string& name) {
  return name == build.key || name == batch.stages[build.stage].name + "/" + std::string(build.key);
}

Exit Render(const Options& options) {
  auto file = ReadBatchFile(options.files);
  if (!file) {
    for (const std::string& problem : file.error()) std::cerr << problem << "\n";
    return Exit::Failed;
  }
  file->batch.uid = kUid;
  size_t printed = 0;
  for (size_t i = 0; i < file->expansion->builds.size(); ++i) {
    if (!options.build.empty() && !IsCalled(file->batch, file->expansion->builds[i], options.build)) continue;
    const nlohmann::json job = JobOf(*file, i);
    if (options.output == "json") {
      std::cout << job.dump() << "\n";
    } else {
      std::cout << "---\n" << document::WriteYaml(job);
    }
    ++printed;
  }
  if (printed > 0) return Exit::Done;
  std::cerr << "ImageBatch " << file->batch.name << " has no build " << Quote(options.build) << "\n";
  return Exit::Failed;
}

}  // namespace

void AddRender(CLI::App& app, Exit& exit) {
  CLI::App* command =
      app.add_subcommand("render", "Print the Jobs that a batch file stands for, without a cluster");
  command->footer(
      R"(The hash in the names depends on the batch's UID, and the runner's image on the controller: both
are stand-ins here.

Examples:
  imagebatch render batch.yaml rows.yaml | less
  imagebatch render batch.yaml --build image/django-10097

Exit codes: 0 done, 1 the file is not valid or has no such build, 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  command->add_option("FILE", options->files, "YAML or JSON; - is the standard input")->required();
  command->add_option("--build", options->build, "only this one: STAGE/NAME, or the name alone");
  command->add_option("-o,--output", options->output, "yaml or json (one line for each Job)")
      ->check(CLI::IsMember({"yaml", "json"}));
  command->callback([options, &exit] { exit = Render(*options); });
}

}  // namespace imagebatch::cli
