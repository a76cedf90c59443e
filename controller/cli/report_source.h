#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "batch/expand.h"
#include "batch/types.h"
#include "report/read.h"

namespace imagebatch::cli {

/// Results, and where the files are that they name.
struct ReportSource {
  std::string file;  // that has the results
  report::Reading reading;
  std::optional<std::filesystem::path> root;  // of log_path and evidence_record; nothing without files
};

/// Reads the results that `sources` mean: a file of results or of objects as JSON, "-" for the standard
/// input, a directory builds/BATCH, or batch files (.yaml, .yml), whose batch ran here and which tell all
/// builds that there are. Fails with one line for each problem.
tl::expected<ReportSource, std::vector<std::string>> ReadReportSource(
    const std::vector<std::string>& sources);

/// All builds of a batch, with what they need.
std::vector<report::Expected> ExpectedOf(const batch::Batch& batch, const batch::Expansion& expansion);

/// Reads BuildKit's times from the logs that are there, and makes the paths of logs lead there from here. A
/// log that is gone is none.
void ReadLogs(ReportSource& source);

/// The evidence of a hang, by what its result line calls it; empty where there is none.
std::string ReadEvidence(const ReportSource& source, const std::string& record);

}  // namespace imagebatch::cli
