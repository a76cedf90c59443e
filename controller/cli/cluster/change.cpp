#include <iostream>

#include "cli/cluster/command.h"
#include "cli/view/batch_status.h"
#include "cli/view/json_access.h"

/// The commands that change the spec of a batch. The controller does the work.
namespace imagebatch::cli {
namespace {

using nlohmann::json;

constexpr int kConflict = 409;
constexpr int kTries = 5;

struct Options {
  Where where;
  std::string batch;
};

std::string Called(const BatchStatus& batch) { return "imagebatch.imagebatch.dev/" + batch.name; }

/// Reads the batch and changes it; again, where somebody else has changed it meanwhile.
Result<Exit> SetSuspend(Cluster& cluster, const std::string& name, bool suspend) {
  for (int tries = 1;; ++tries) {
    const auto object = cluster.Batch(name);
    if (!object) return tl::unexpected(object.error());
    const BatchStatus batch = ReadBatchStatus(*object);
    if (batch.suspend == suspend) {
      std::cout << Called(batch) << (suspend ? " is suspended already" : " is not suspended") << "\n";
      return Exit::Done;
    }
    const json& metadata = At(*object, "metadata");
    const kube::Request request =
        PatchRequest(kube::ObjectPath(kBatches, TextAt(metadata, "namespace"), name),
                     {{"metadata", {{"resourceVersion", TextAt(metadata, "resourceVersion")}}},
                      {"spec", {{"suspend", suspend}}}},
                     kMergePatch);
    const auto response = cluster.Send(request);
    if (!response) return tl::unexpected(response.error());
    if (response->status == kConflict && tries < kTries) continue;
    if (response->status / 100 != 2) return Fail(TellRefusal(request, *response, cluster.place()));
    std::cout << Called(batch) << (suspend ? " suspended" : " resumed") << "\n";
    if (suspend && batch.counts.running > 0)
      std::cout << "nothing new is started; " << batch.counts.running << " running builds go on\n";
    return Exit::Done;
  }
}

void AddSuspending(CLI::App& app, Exit& exit, bool suspend) {
  CLI::App* command =
      app.add_subcommand(suspend ? "suspend" : "resume",
                         suspend ? "Start no further builds of a batch" : "Go on with a suspended batch");
  command->footer(suspend ? R"(Running builds go on.

Example:
  imagebatch suspend -n builds hello

Exit codes: 0 it is suspended, 1 it cannot be changed, 2 wrong usage.)"
                          : R"(Example:
  imagebatch resume -n builds hello

Exit codes: 0 it goes on, 1 it cannot be changed, 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  AddBatch(*command, options->batch)->required();
  AddWhere(*command, options->where);
  command->callback([options, suspend, &exit] {
    exit =
        Run(options->where, [&](Cluster& cluster) { return SetSuspend(cluster, options->batch, suspend); });
  });
}

}  // namespace

void AddSuspend(CLI::App& app, Exit& exit) { AddSuspending(app, exit, true); }
void AddResume(CLI::App& app, Exit& exit) { AddSuspending(app, exit, false); }

}  // namespace imagebatch::cli
