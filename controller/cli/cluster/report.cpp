#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>

#include "base/text.h"
#include "cli/cluster/build_names.h"
#include "cli/cluster/command.h"
#include "cli/report_source.h"
#include "cli/view/json_access.h"
#include "report/builds.h"
#include "report/manifest.h"
#include "report/markdown.h"
#include "report/page.h"
#include "report/summary.h"

namespace imagebatch::cli {
namespace {

struct Options {
  Where where;
  std::vector<std::string> sources;
  std::string stage;
  std::string output = "md";
};

/// Of each group that shows some, the newest that is there.
std::map<std::string, std::string> Evidence(const ReportSource& source, const report::Report& report) {
  constexpr size_t kTried = 20;
  std::map<std::string, std::string> evidence;
  for (size_t i = 0; i < std::min(report.hangs.size(), report::kEvidenceGroups); ++i) {
    const std::vector<std::string>& records = report.hangs[i].evidence_records;
    for (size_t j = 0; j < std::min(records.size(), kTried); ++j) {
      std::string text = ReadEvidence(source, records[j]);
      if (text.empty()) continue;
      evidence[records[j]] = std::move(text);
      break;
    }
  }
  return evidence;
}

std::string Render(const ReportSource& source, const report::Report& report, const std::string& output) {
  if (output == "jsonl") return report::Manifest(report);
  if (output == "json") return report::SummaryJson(report);
  if (output == "html") return report::HtmlPage(report, Evidence(source, report));
  return report::MarkdownReport(report);
}

Exit Print(const ReportSource& source, const Options& options) {
  const report::Report report = report::MakeReport(source.reading.material, options.stage);
  if (!options.stage.empty() && report.stages.empty()) {
    std::cerr << Printable(source.file, 300) << ": has no stage " << Quote(options.stage) << "\n";
    return Exit::Failed;
  }
  std::cout << Render(source, report, options.output);
  for (const std::string& problem : source.reading.problems)
    std::cerr << Printable(source.file, 300) << ": " << Printable(problem, 500) << "\n";
  return source.reading.problems.empty() ? Exit::Done : Exit::Failed;
}

Exit OfFiles(const Options& options) {
  auto source = ReadReportSource(options.sources);
  if (!source) {
    for (const std::string& problem : source.error()) std::cerr << problem << "\n";
    return Exit::Failed;
  }
  ReadLogs(*source);
  return Print(*source, options);
}

Result<Exit> OfCluster(Cluster& cluster, const Options& options) {
  const std::string& name = options.sources.front();
  const auto batch = cluster.Batch(name);
  if (!batch) return tl::unexpected(batch.error());
  auto objects = ReadRecords(cluster, *batch);
  if (!objects) return tl::unexpected(objects.error());
  objects->push_back(*batch);
  auto reading = report::ReadObjects(*objects);
  if (!reading) return tl::unexpected(reading.error());
  reading->material.expected = ExpectedBuilds(cluster, *batch);
  return Print({"ImageBatch " + name, std::move(*reading), std::nullopt}, options);
}

/// What SOURCE means where no option says that it is in a cluster.
bool MeansFile(const std::string& source) {
  std::error_code error;
  return source == "-" || source.find('/') != std::string::npos || source.ends_with(".yaml") ||
         source.ends_with(".yml") || source.ends_with(".json") || source.ends_with(".jsonl") ||
         std::filesystem::exists(source, error);
}

Exit Report(const Options& options) {
  const Where& where = options.where;
  const bool told = !where.ns.empty() || !where.context.empty() || !where.kubeconfig.empty();
  if (told && (options.sources.size() > 1 || options.sources.front() == "-")) {
    std::cerr
        << "imagebatch report: with -n, --context or --kubeconfig, SOURCE is the name of one batch in the "
           "cluster\n";
    return Exit::Usage;
  }
  if (!told && (options.sources.size() > 1 || MeansFile(options.sources.front()))) return OfFiles(options);
  return Run(where, [&](Cluster& cluster) -> Result<Exit> {
    auto done = OfCluster(cluster, options);
    if (done || told) return done;
    return Fail(done.error().message + " (and there is no file " + Quote(options.sources.front()) + " here)");
  });
}

}  // namespace

void AddReport(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("report", "Print what became of a batch");
  command->footer(
      R"(SOURCE is a batch in the cluster, by its name; or a batch file whose batch ran here (with the files of
its rows), its directory builds/BATCH or the results.jsonl in it; or objects of a cluster as JSON. - reads
a pipe. What is a path, or exists here, is a file, unless -n, --context or --kubeconfig is given.

Examples:
  imagebatch report hello -n builds -o html >hello.html
  imagebatch report batch.yaml >>"$GITHUB_STEP_SUMMARY"

Exit codes: 0 done, 1 something could not be read (the rest is printed), 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  command->add_option("SOURCE", options->sources, "where the results are")->required();
  command
      ->add_option("-o,--output", options->output,
                   "md (default), jsonl (manifest), json (summary) or html (page)")
      ->check(CLI::IsMember({"md", "jsonl", "json", "html"}));
  command->add_option("--stage", options->stage, "only this stage");
  AddWhere(*command, options->where);
  command->callback([options, &exit] { exit = Report(*options); });
}

}  // namespace imagebatch::cli
