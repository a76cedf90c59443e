#pragma once
#include <prometheus/metric_family.h>

#include <string_view>
#include <vector>

#include "metrics/snapshot.h"

namespace imagebatch::metrics {

/// Every imagebatch_* family, in a fixed order, families without a sample included. Pure: what a scrape shows
/// is decided here alone, so no series outlives what it describes. Times are Unix timestamps in seconds,
/// never ages: an age would freeze with the process that exports it. Label values are untrusted text: control
/// characters and invalid UTF-8 are replaced, and no value is longer than 200 bytes. Names, labels and
/// meaning: docs/metrics.md, which a test compares with this.
std::vector<prometheus::MetricFamily> Families(const Snapshot& snapshot, std::string_view version);

}  // namespace imagebatch::metrics
