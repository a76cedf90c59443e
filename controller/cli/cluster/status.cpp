#include <unistd.h>

#include <iostream>

#include "cli/cluster/command.h"
#include "cli/console.h"
#include "cli/view/batch_status.h"
#include "cli/view/json_access.h"
#include "cli/view/status_text.h"
#include "document/write.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;

struct Options {
  Where where;
  std::string batch, output;
};

/// As kubectl shows objects.
void Print(json value, const std::string& output) {
  const auto tidy = [](json& object) {
    if (At(object, "metadata").is_object()) object["metadata"].erase("managedFields");
  };
  tidy(value);
  if (value.contains("items")) {
    for (json& item : value["items"]) tidy(item);
  }
  if (output == "json")
    // For a terminal as ASCII: nothing in it is a control character then
    std::cout << value.dump(4, ' ', Console(STDOUT_FILENO).terminal(), json::error_handler_t::replace)
              << "\n";
  else
    std::cout << document::WriteYaml(value);
}

void PrintName(const json& object) {
  std::cout << "imagebatch.imagebatch.dev/" << TextAt(At(object, "metadata"), "name") << "\n";
}

Result<Exit> ShowOne(Cluster& cluster, const Options& options) {
  const auto object = cluster.Batch(options.batch);
  if (!object) return tl::unexpected(object.error());
  const Time now = SystemClock().Now();
  if (options.output == "name") {
    PrintName(*object);
  } else if (options.output == "wide") {
    std::cout << StatusTable({ReadBatchStatus(*object)}, /*wide=*/true, /*namespaces=*/false, now);
  } else if (!options.output.empty()) {
    Print(*object, options.output);
  } else {
    const Console console(STDOUT_FILENO);
    std::cout << StatusDetail(ReadBatchStatus(*object), LookOf(console), now);
  }
  return Exit::Done;
}

Result<Exit> ShowAll(Cluster& cluster, const Options& options) {
  auto objects = cluster.List(kube::CollectionPath(kBatches, cluster.ns()));
  if (!objects) return tl::unexpected(objects.error());
  if (options.output == "name") {
    for (const json& object : *objects) PrintName(object);
    return Exit::Done;
  }
  if (!options.output.empty() && options.output != "wide") {
    Print({{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(*objects)}}, options.output);
    return Exit::Done;
  }
  if (objects->empty()) {
    std::cerr << (cluster.ns().empty() ? "there is no ImageBatch in the cluster\n"
                                       : "there is no ImageBatch in namespace " + cluster.ns() + "\n");
    return Exit::Done;
  }
  std::vector<BatchStatus> batches;
  for (const json& object : *objects) batches.push_back(ReadBatchStatus(object));
  std::cout << StatusTable(batches, options.output == "wide", options.where.all_namespaces,
                           SystemClock().Now());
  return Exit::Done;
}

}  // namespace

void AddStatus(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("status", "Show batches, or one in detail");
  command->footer(
      R"(Without BATCH: a table of those in the namespace. With it: counts by stage, progress, when it will be
over, and which builds hang, stall, are slow or failed, each with what to look at next.

Examples:
  imagebatch status -A
  imagebatch status -n builds hello

Exit codes: 0 shown, whatever the state is; 1 it cannot be read; 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  CLI::Option* batch = AddBatch(*command, options->batch);
  AddWhere(*command, options->where);
  command->add_flag("-A,--all-namespaces", options->where.all_namespaces, "the batches of all namespaces")
      ->excludes(batch);
  command->add_option("-o,--output", options->output, "json, yaml, name or wide")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"json", "yaml", "name", "wide"}));
  command->callback([options, &exit] {
    exit = Run(options->where, [&](Cluster& cluster) {
      return options->batch.empty() ? ShowAll(cluster, *options) : ShowOne(cluster, *options);
    });
  });
}

}  // namespace imagebatch::cli
