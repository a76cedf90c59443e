#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "base/counted.h"
#include "cli/batch_file.h"
#include "cli/commands.h"

namespace imagebatch::cli {
namespace {

Exit Validate(const std::vector<std::string>& files) {
  const auto read = ReadBatchFiles(files);
  if (!read) {
    for (const std::string& problem : read.error()) std::cerr << problem << "\n";
    return Exit::Failed;
  }
  for (const BatchFile& file : read->batches) {
    std::cout << file.file << ": ImageBatch " << file.batch.name << " is valid: ";
    if (file.expansion) {
      std::cout << Counted(file.expansion->rows.size(), "row") << ", "
                << Counted(file.expansion->builds.size(), "build") << " in "
                << Counted(file.batch.stages.size(), "stage") << "\n";
    } else {
      std::cout << "its rows were not checked, as the files given lack";
      for (const std::string& missing : file.missing)
        std::cout << (&missing == file.missing.data() ? " " : ", ") << missing;
      std::cout << "\n";
    }
  }
  return Exit::Done;
}

}  // namespace

void AddValidate(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("validate", "Check a batch file, without a cluster");
  command->footer(
      R"(Prints FILE:LINE:COLUMN for each problem. Rows in ConfigMaps are checked where a file has them.

Example:
  imagebatch validate batch.yaml rows.yaml

Exit codes: 0 valid, 1 not valid, 2 wrong usage.)");
  const auto files = std::make_shared<std::vector<std::string>>();
  command->add_option("FILE", *files, "YAML or JSON; - is the standard input")->required();
  command->callback([files, &exit] { exit = Validate(*files); });
}

}  // namespace imagebatch::cli
