#include <iostream>
#include <map>

#include "base/text.h"
#include "cli/batch_file.h"
#include "cli/cluster/command.h"
#include "cli/view/json_access.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;

constexpr int kNotFound = 404;

struct Options {
  Where where;
  std::vector<std::string> files;
  bool force = false;
};

/// What the server says of a kind.
struct Kind {
  std::string plural, singular;
  bool namespaced = false;
};

std::string NameOf(const json& object) {
  return Printable(TextAt(object, "kind") + " " + TextAt(At(object, "metadata"), "name"), 300);
}

/// Sends documents to one cluster.
class Applier {
 public:
  Applier(Cluster& cluster, const Options& options) : cluster_(cluster), options_(options) {}

  /// The name of the object as kubectl prints it.
  Result<std::string> Apply(const json& object) {
    const std::string version = TextAt(object, "apiVersion"), name = TextAt(At(object, "metadata"), "name");
    if (version.empty() || name.empty())
      return Fail(NameOf(object) + ": has no apiVersion or no metadata.name");
    const auto kind = Find(version, TextAt(object, "kind"));
    if (!kind) return Fail(NameOf(object) + ": " + kind.error().message);
    std::string ns;
    if (kind->namespaced) {
      ns = TextAt(At(object, "metadata"), "namespace");
      if (ns.empty()) ns = cluster_.ns();
      if (!options_.where.ns.empty() && ns != options_.where.ns)
        return Fail(NameOf(object) + ": is of namespace " + Quote(ns) + ", and --namespace says " +
                    Quote(options_.where.ns));
    }
    kube::Request request =
        PatchRequest(kube::ObjectPath({version, kind->plural}, ns, name), object, kApplyPatch);
    if (options_.force) request.path += "&force=true";
    const auto response = cluster_.Send(request);
    if (!response) return tl::unexpected(response.error());
    if (response->status / 100 == 2) return kind->singular + GroupOf(version) + "/" + name;
    const bool conflict = response->status == 409 && !options_.force;
    return Fail(NameOf(object) + ": " + TellRefusal(request, *response, cluster_.place()) +
                (conflict ? "; --force-conflicts takes the fields over" : ""));
  }

 private:
  static std::string GroupOf(const std::string& version) {
    const size_t slash = version.find('/');
    return slash == std::string::npos ? "" : "." + version.substr(0, slash);
  }

  /// Asks the server once for each apiVersion what its kinds are called in paths.
  Result<Kind> Find(const std::string& version, const std::string& kind) {
    auto known = kinds_.find(version);
    if (known == kinds_.end()) {
      kube::Request request;
      request.path = kube::CollectionPath({version, ""}, "");
      request.path.pop_back();  // of the version alone
      const auto response = cluster_.Send(request);
      if (!response) return tl::unexpected(response.error());
      if (response->status != 200 && response->status != kNotFound)
        return Fail(TellRefusal(request, *response, cluster_.place()));
      const json list = json::parse(response->body, nullptr, /*allow_exceptions=*/false);
      known = kinds_.emplace(version, std::map<std::string, Kind>()).first;
      for (const json& one : ListAt(list, "resources")) {
        const std::string plural = TextAt(one, "name");
        if (plural.find('/') == std::string::npos)
          known->second[TextAt(one, "kind")] = {plural, TextAt(one, "singularName"),
                                                At(one, "namespaced") == json(true)};
      }
    }
    const auto found = known->second.find(kind);
    if (found != known->second.end()) return found->second;
    if (version.starts_with("imagebatch.dev/"))
      return Fail("imagebatch is not installed in the cluster " + cluster_.place().server +
                  ": it does not know this kind; "
                  "install the chart, or name another cluster with --context");
    return Fail("the cluster does not know kind " + Quote(kind) + " of " + Quote(version));
  }

  Cluster& cluster_;
  const Options& options_;
  std::map<std::string, std::map<std::string, Kind>> kinds_;
};

/// In the order of the files: a Namespace comes before what is in it.
Result<Exit> Apply(Cluster& cluster, const std::vector<json>& documents, const Options& options) {
  Applier applier(cluster, options);
  for (const json& document : documents) {
    const auto applied = applier.Apply(document);
    if (!applied) return tl::unexpected(applied.error());
    std::cout << Printable(*applied, 400) << " applied\n" << std::flush;
  }
  return Exit::Done;
}

Exit CheckAndApply(const Options& options) {
  auto read = ReadBatchFiles(options.files);
  if (!read) {
    for (const std::string& problem : read.error()) std::cerr << problem << "\n";
    std::cerr << "imagebatch: nothing was applied\n";
    return Exit::Failed;
  }
  return Run(options.where, [&](Cluster& cluster) { return Apply(cluster, read->documents, options); });
}

}  // namespace

void AddApply(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("apply", "Check a batch file and send it to the cluster");
  command->footer(
      R"(All documents of the files are applied in their order (server-side apply), once every ImageBatch in
them is found valid. What is wrong is shown with file, line and column.

Example:
  imagebatch apply -n builds -f rows.yaml -f batch.yaml

Exit codes: 0 applied, 1 not valid or refused, 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  command->add_option("-f,--filename", options->files, "YAML or JSON; - is the standard input")
      ->type_name("FILE")
      ->required()
      ->allow_extra_args(false);
  command->add_flag("--force-conflicts", options->force, "take over fields that others have set");
  AddWhere(*command, options->where);
  command->callback([options, &exit] { exit = CheckAndApply(*options); });
}

}  // namespace imagebatch::cli
