#include <algorithm>
#include <iostream>

#include "base/counted.h"
#include "base/text.h"
#include "cli/cluster/build_names.h"
#include "cli/cluster/command.h"
#include "cli/view/batch_status.h"
#include "cli/view/json_access.h"

/// The commands that change the spec of a batch. The controller does the work.
namespace imagebatch::cli {
namespace {

using nlohmann::json;

constexpr int kBadRequest = 400, kConflict = 409, kUnprocessable = 422;
constexpr int kTries = 5;
constexpr size_t kMostBuilds = 500;  // spec.rerun.builds

struct Options {
  Where where;
  std::string batch;
  std::vector<std::string> builds;
  bool now = false;
};

std::string Called(const BatchStatus& batch) { return "imagebatch.imagebatch.dev/" + batch.name; }

/// Why a change of `field` was refused.
Error Refused(const kube::Request& request, const kube::Response& response, const Cluster& cluster,
              const std::string& field) {
  const kube::Status status = kube::Refusal(response);
  const bool unknown = status.message.find("unknown field") != std::string::npos;
  if ((status.code == kBadRequest || status.code == kUnprocessable) && unknown)
    return {"the imagebatch of this cluster does not know " + field +
            " yet: upgrade it (its CRD is older than this program)"};
  return {TellRefusal(request, response, cluster.place())};
}

/// What is to become of the batch as it is; nothing: it is so already.
using Change = std::function<Result<std::optional<json>>(const json& object)>;

/// Reads the batch and changes its spec; again, where somebody else has changed it meanwhile. True: it was
/// changed.
Result<bool> ChangeSpec(Cluster& cluster, const std::string& name, const std::string& field,
                        const Change& change) {
  for (int tries = 1;; ++tries) {
    const auto object = cluster.Batch(name);
    if (!object) return tl::unexpected(object.error());
    auto spec = change(*object);
    if (!spec) return tl::unexpected(spec.error());
    if (!*spec) return false;
    const json& metadata = At(*object, "metadata");
    const kube::Request request =
        PatchRequest(kube::ObjectPath(kBatches, TextAt(metadata, "namespace"), name),
                     {{"metadata", {{"resourceVersion", TextAt(metadata, "resourceVersion")}}},
                      {"spec", std::move(**spec)}},
                     kMergePatch);
    const auto response = cluster.Send(request);
    if (!response) return tl::unexpected(response.error());
    if (response->status == kConflict && tries < kTries) continue;
    if (response->status / 100 != 2) return tl::unexpected(Refused(request, *response, cluster, field));
    return true;
  }
}

Result<Exit> SetSuspend(Cluster& cluster, const std::string& name, bool suspend) {
  BatchStatus batch;
  const auto changed =
      ChangeSpec(cluster, name, "spec.suspend", [&](const json& object) -> Result<std::optional<json>> {
        batch = ReadBatchStatus(object);
        if (batch.suspend == suspend) return std::nullopt;
        return json{{"suspend", suspend}};
      });
  if (!changed) return tl::unexpected(changed.error());
  const char* const word = suspend ? " suspended" : " resumed";
  std::cout << Called(batch)
            << (*changed  ? word
                : suspend ? " is suspended already"
                          : " is not suspended")
            << "\n";
  if (*changed && suspend && batch.counts.running > 0)
    std::cout << "nothing new is started; running builds go on: " << batch.counts.running << "\n";
  return Exit::Done;
}

Result<Exit> Cancel(Cluster& cluster, const Options& options) {
  const char* const shutdown = options.now ? "Terminate" : "Stop";
  BatchStatus batch;
  const auto changed = ChangeSpec(cluster, options.batch, "spec.shutdown",
                                  [&](const json& object) -> Result<std::optional<json>> {
                                    batch = ReadBatchStatus(object);
                                    const std::string now = TextAt(At(object, "spec"), "shutdown");
                                    // What was told to end at once is not told to take its time again
                                    if (batch.Finished() || now == shutdown || now == "Terminate")
                                      return std::nullopt;
                                    return json{{"shutdown", shutdown}};
                                  });
  if (!changed) return tl::unexpected(changed.error());
  std::cout << Called(batch);
  if (!*changed)
    std::cout << (batch.Finished() ? " is over already: " + Printable(batch.State(), 60)
                                   : " is being cancelled already")
              << "\n";
  else
    std::cout << (options.now ? " cancelled; its running builds are ended\n"
                              : " cancelled; its running builds end by themselves (--now ends them)\n");
  return Exit::Done;
}

Result<Exit> Retry(Cluster& cluster, const Options& options) {
  std::vector<std::string> builds;
  if (!options.builds.empty()) {
    const auto object = cluster.Batch(options.batch);
    if (!object) return tl::unexpected(object.error());
    for (const std::string& one : options.builds) {
      const auto build = FindBuild(cluster, *object, one);
      if (!build) return tl::unexpected(build.error());
      if (std::find(builds.begin(), builds.end(), build->Whole()) == builds.end())
        builds.push_back(build->Whole());
    }
    if (builds.size() > kMostBuilds)
      return Fail("at most 500 builds can be named at once; name none to run all failed ones again");
  }
  BatchStatus batch;
  int64_t round = 0;
  const auto changed = ChangeSpec(
      cluster, options.batch, "spec.rerun", [&](const json& object) -> Result<std::optional<json>> {
        batch = ReadBatchStatus(object);
        if (batch.current && batch.counts.failed == 0) return std::nullopt;
        round = 1 + std::max(NumberAt(At(At(object, "spec"), "rerun"), "round"),
                             NumberAt(At(At(object, "status"), "rerun"), "round"));
        return json{{"rerun", {{"round", round}, {"builds", builds.empty() ? json() : json(builds)}}}};
      });
  if (!changed) return tl::unexpected(changed.error());
  if (!*changed) {
    std::cout << Called(batch) << ": no build has failed; nothing is run again\n";
    return Exit::Done;
  }
  std::cout << Called(batch) << ": "
            << (builds.empty() ? "all builds that failed run again"
                               : "to run again: " + Counted(builds.size(), "build"))
            << " (round " << round << ")\n";
  return Exit::Done;
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

void AddCancel(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("cancel", "End a batch before it is done");
  command->footer(R"(Nothing new is started, the batch fails with reason Cancelled, and its results stay.

Examples:
  imagebatch cancel -n builds hello
  imagebatch cancel -n builds hello --now

Exit codes: 0 it is cancelled or was over, 1 it cannot be changed, 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  AddBatch(*command, options->batch)->required();
  AddWhere(*command, options->where);
  command->add_flag("--now", options->now, "end the running builds too");
  command->callback([options, &exit] {
    exit = Run(options->where, [&](Cluster& cluster) { return Cancel(cluster, *options); });
  });
}

void AddRetry(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("retry", "Run builds of a batch again that failed");
  command->footer(
      R"(Without BUILD all builds that failed, with the builds they need that failed too. The batch becomes
unfinished again.

Examples:
  imagebatch retry -n builds hello
  imagebatch retry -n builds hello image/django-10097 env/django-3.0

Exit codes: 0 it is told, 1 there is no such build or it cannot be changed, 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  AddBatch(*command, options->batch)->required();
  command->add_option("BUILD", options->builds, "STAGE/NAME, or the name where only one stage has it")
      ->type_name("");
  AddWhere(*command, options->where);
  command->callback([options, &exit] {
    exit = Run(options->where, [&](Cluster& cluster) { return Retry(cluster, *options); });
  });
}

}  // namespace imagebatch::cli
