#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "base/text.h"
#include "cli/batch_file.h"
#include "cli/commands.h"
#include "cli/new_batch.h"
#include "cli/read_all.h"

namespace imagebatch::cli {
namespace {

constexpr size_t kMostListBytes = size_t{8} << 20U;

struct Options {
  NewBatch batch;
  std::string images;
};

Exit Fail(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) std::cerr << problem << "\n";
  return Exit::Failed;
}

Exit New(NewBatch batch, const std::string& file) {
  if (const std::string problem = batch.context.empty() ? "" : ContextProblem(batch.context);
      !problem.empty()) {
    return Fail({"--context " + Quote(batch.context) + " " + problem});
  }
  const auto text = ReadAll(file, kMostListBytes);
  if (!text) return Fail({text.error().message});
  auto images = ReadImageList(file, *text, batch.context);
  if (!images) return Fail(images.error());
  batch.images = std::move(*images);
  const std::string made = NewBatchFile(batch);
  // A name that no batch can have, a reference to what is not there
  if (const auto checked = ReadBatchText("the new batch", made); !checked) return Fail(checked.error());
  std::cout << made;
  return Exit::Done;
}

}  // namespace

void AddNew(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("new", "Print a batch file for a builder and a list of images");
  command->footer(
      R"(Each line of the list is an image to push and the URL of its context, a Git repository or an archive.
Where all have the same context, give it as --context; $(name) in it is the image's name.

Examples:
  imagebatch new apps --images list.txt --context 'https://git.example/apps.git#main:$(name)' >apps.yaml
  echo "registry.example:5000/a:1 https://git.example/a.git#main" | imagebatch new hello --images - >hello.yaml

Exit codes: 0 done, 1 the list is not valid, 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  const std::vector<std::string> builders = Builders();
  options->batch.builder = builders.front();
  command->add_option("BATCH", options->batch.name, "what the batch is called")->type_name("")->required();
  command->add_option("--images", options->images, "the list; - is the standard input")
      ->required()
      ->type_name("FILE");
  command->add_option("--builder", options->batch.builder, "default: " + builders.front())
      ->check(CLI::IsMember(builders));
  command->add_option("--context", options->batch.context, "URL of the context of all images")
      ->type_name("URL");
  command->callback([options, &exit] { exit = New(options->batch, options->images); });
}

}  // namespace imagebatch::cli
