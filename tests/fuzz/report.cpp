// Results, whatever they hold: each report is valid text, and its counts add up.
#include "fuzz/fuzz.h"
#include "report/builds.h"
#include "report/manifest.h"
#include "report/markdown.h"
#include "report/read.h"
#include "report/summary.h"

using namespace imagebatch;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto reading = report::ReadResults(fuzz::Text(data, size));
  if (!reading) return 0;
  const report::Report report = report::MakeReport(std::move(reading->material));
  const std::string manifest = report::Manifest(report);
  size_t lines = 0;
  for (std::string_view rest = manifest; !rest.empty(); ++lines) {
    const size_t end = rest.find('\n');
    fuzz::Expect(nlohmann::json::accept(rest.substr(0, end)), "each line of the manifest is JSON");
    rest.remove_prefix(end + 1);
  }
  fuzz::Expect(lines == report.builds.size(), "a line for each build");
  const auto summary = nlohmann::json::parse(report::SummaryJson(report), nullptr, false);
  fuzz::Expect(summary.is_object(), "the summary is JSON");
  const auto count = [&](const char* name) { return summary[name].get<size_t>(); };
  fuzz::Expect(count("total") == count("built") + count("skipped") + count("failed") + count("unfinished"),
               "each build is one of these");
  fuzz::Expect(report::MarkdownReport(report).find("<script") == std::string::npos, "no markup of a build");
  return 0;
}
