#include <unistd.h>

#include <iostream>

#include "cli/cluster/build_objects.h"
#include "cli/cluster/command.h"
#include "cli/view/story.h"

namespace imagebatch::cli {
namespace {

struct Options {
  Where where;
  std::string batch, build;
};

Result<Exit> Describe(Cluster& cluster, const Options& options) {
  const auto object = cluster.Batch(options.batch);
  if (!object) return tl::unexpected(object.error());
  const auto build = FindBuild(cluster, *object, options.build);
  if (!build) return tl::unexpected(build.error());
  auto story = ReadStory(cluster, *object, *build);
  if (!story) return tl::unexpected(story.error());
  const Console console(STDOUT_FILENO);
  std::cout << StoryText(*story, ReadBatchStatus(*object), LookOf(console), SystemClock().Now());
  return Exit::Done;
}

}  // namespace

void AddDescribe(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("describe", "Tell the whole story of a build");
  command->footer(
      R"(Its attempts with times and causes, what the runner measured and saw when it hung, and the end of
its log: from the results, the evidence, the Jobs and the Pods of the batch.

Example:
  imagebatch describe -n builds hello image/django-10097

Exit codes: 0 told, 1 there is no such build or it cannot be read, 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  AddBatch(*command, options->batch)->required();
  AddBuild(*command, options->build);
  AddWhere(*command, options->where);
  command->callback([options, &exit] {
    exit = Run(options->where, [&](Cluster& cluster) { return Describe(cluster, *options); });
  });
}

}  // namespace imagebatch::cli
