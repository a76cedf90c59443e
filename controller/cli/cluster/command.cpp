#include "cli/cluster/command.h"

#include <iostream>

#include "cli/cluster/commands.h"

namespace imagebatch::cli {

void AddWhere(CLI::App& command, Where& where) {
  command.add_option("-n,--namespace", where.ns, "namespace (default: that of the context)")
      ->type_name("NAME");
  command.add_option("--context", where.context, "context of the kubeconfig (default: the current one)")
      ->type_name("NAME");
  command.add_option("--kubeconfig", where.kubeconfig, "file (default: $KUBECONFIG, ~/.kube/config)")
      ->type_name("FILE");
}

CLI::Option* AddBatch(CLI::App& command, std::string& batch) {
  return command.add_option("BATCH", batch, "name of the ImageBatch")->type_name("");
}

CLI::Option* AddBuild(CLI::App& command, std::string& build) {
  return command.add_option("BUILD", build, "STAGE/NAME, or the name where only one stage has it")
      ->type_name("")
      ->required();
}

Exit Run(const Where& where, const std::function<Result<Exit>(Cluster& cluster)>& work) {
  const auto fail = [](const Error& error) {
    std::cerr << "imagebatch: " << error.message << "\n";
    return Exit::Failed;
  };
  const auto cluster = Cluster::Connect(where);
  if (!cluster) return fail(cluster.error());
  const auto done = work(**cluster);
  return done ? *done : fail(done.error());
}

void AddClusterCommands(CLI::App& app, Exit& exit) {
  for (const auto add : {AddApply, AddStatus, AddWatch, AddWait, AddDescribe, AddLogs, AddEvidence, AddReport,
                         AddRetry, AddSuspend, AddResume, AddCancel})
    add(app, exit);
}

}  // namespace imagebatch::cli
