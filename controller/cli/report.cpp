#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/report_source.h"
#include "report/builds.h"
#include "report/manifest.h"
#include "report/markdown.h"
#include "report/page.h"
#include "report/summary.h"

namespace imagebatch::cli {
namespace {

struct Options {
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

Exit Report(const Options& options) {
  auto source = ReadReportSource(options.sources);
  if (!source) {
    for (const std::string& problem : source.error()) std::cerr << problem << "\n";
    return Exit::Failed;
  }
  ReadLogs(*source);
  const report::Report report = report::MakeReport(source->reading.material, options.stage);
  if (!options.stage.empty() && report.stages.empty()) {
    std::cerr << Printable(source->file, 300) << ": has no stage " << Quote(options.stage) << "\n";
    return Exit::Failed;
  }
  std::cout << Render(*source, report, options.output);
  for (const std::string& problem : source->reading.problems)
    std::cerr << Printable(source->file, 300) << ": " << Printable(problem, 500) << "\n";
  return source->reading.problems.empty() ? Exit::Done : Exit::Failed;
}

}  // namespace

void AddReport(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("report", "Print what became of a batch");
  command->footer(
      R"(SOURCE is the batch file of a batch that ran here (with the files of its rows), its directory
builds/BATCH or the results.jsonl in it, or objects of a cluster as JSON, of which - reads those of a pipe.

Examples:
  imagebatch report batch.yaml >>"$GITHUB_STEP_SUMMARY"
  imagebatch report builds/hello -o jsonl >manifest.jsonl
  kubectl get ibr -n builds -l imagebatch.dev/batch=hello -o json | imagebatch report - -o html >hello.html

Exit codes: 0 done, 1 something could not be read (the rest is printed), 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  command->add_option("SOURCE", options->sources, "where the results are")->required();
  command
      ->add_option("-o,--output", options->output,
                   "md (default), jsonl (manifest), json (summary) or html (page)")
      ->check(CLI::IsMember({"md", "jsonl", "json", "html"}));
  command->add_option("--stage", options->stage, "only this stage");
  command->callback([options, &exit] { exit = Report(*options); });
}

}  // namespace imagebatch::cli
