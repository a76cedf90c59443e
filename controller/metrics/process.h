#pragma once
#include <prometheus/metric_family.h>

#include <filesystem>
#include <vector>

namespace imagebatch::metrics {

/// The process_* families of Prometheus' client libraries for this process, read now from `proc` (proc(5)). A
/// family whose file cannot be read is left out: a scrape never fails because of it.
std::vector<prometheus::MetricFamily> ProcessFamilies(const std::filesystem::path& proc = "/proc");

}  // namespace imagebatch::metrics
