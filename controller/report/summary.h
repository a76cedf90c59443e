#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/builds.h"

namespace imagebatch::report {

/// How long the builds of a set took that were built.
struct Durations {
  double cumulative = 0;  // of all builds, whatever became of them
  std::optional<double> mean, median, longest;
};

struct StageSummary {
  std::string stage;
  size_t total = 0, built = 0, skipped = 0, failed = 0;  // of those that have ended
  Durations durations;
};

struct Summary {
  std::optional<Time> started, finished;
  std::optional<double> wall_clock;
  Durations durations;
  std::map<std::string, double> seconds;  // cumulative, by the fields of the manifest
  std::map<std::string, int64_t> counts;  // the same of its counts
  std::map<std::string, size_t> status_counts, skip_reasons, failure_reasons;
  std::vector<StageSummary> stages;
  std::vector<size_t> slowest;  // indexes of the 5 builds that took longest of those built
};

Summary Summarize(const Report& report);

/// build-summary.json, one object: the fields of BuildManifestSummary with the same names and types, then
/// `batch`, `unfinished`, `stages`, `failure_reasons`, `hung` and `hangs`. Ends with a newline.
std::string SummaryJson(const Report& report);

}  // namespace imagebatch::report
