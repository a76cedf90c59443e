#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "cli/cluster/cluster.h"
#include "cli/exit.h"

/// What the commands that talk to a cluster have in common.
namespace imagebatch::cli {

/// What stands behind the options of all of them. BATCH comes first, then BUILD.
struct Asked {
  Where where;
  std::string batch, build;
};

/// Adds -n, --context and --kubeconfig.
void AddWhere(CLI::App& command, Where& where);
/// Adds the argument BATCH.
CLI::Option* AddBatch(CLI::App& command, std::string& batch);
/// Adds the argument BUILD.
CLI::Option* AddBuild(CLI::App& command, std::string& build);

/// Connects, does the work of a command and says on standard error what went wrong.
Exit Run(const Where& where, const std::function<Result<Exit>(Cluster& cluster)>& work);

void AddApply(CLI::App& app, Exit& exit);
void AddStatus(CLI::App& app, Exit& exit);
void AddWatch(CLI::App& app, Exit& exit);
void AddWait(CLI::App& app, Exit& exit);
void AddDescribe(CLI::App& app, Exit& exit);
void AddLogs(CLI::App& app, Exit& exit);
void AddEvidence(CLI::App& app, Exit& exit);
void AddReport(CLI::App& app, Exit& exit);
void AddRetry(CLI::App& app, Exit& exit);
void AddSuspend(CLI::App& app, Exit& exit);
void AddResume(CLI::App& app, Exit& exit);
void AddCancel(CLI::App& app, Exit& exit);

}  // namespace imagebatch::cli
