#pragma once
#include <prometheus/client_metric.h>

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/snapshot.h"

namespace imagebatch::metrics {

/// One series each, with its labels. Their values are untrusted: see Families().
using Samples = std::vector<prometheus::ClientMetric>;
using Labels = std::initializer_list<std::pair<const char*, std::string_view>>;

prometheus::ClientMetric Gauge(Labels labels, double value);
prometheus::ClientMetric Counter(Labels labels, uint64_t value);
prometheus::ClientMetric Distribution(Labels labels, const Histogram& histogram);

}  // namespace imagebatch::metrics
