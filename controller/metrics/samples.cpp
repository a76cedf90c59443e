#include "metrics/samples.h"

#include <limits>

#include "base/text.h"

namespace imagebatch::metrics {

using prometheus::ClientMetric;

namespace {

constexpr size_t kLabelLimit = 200;

ClientMetric Labelled(Labels labels) {
  ClientMetric metric;
  metric.label.reserve(labels.size());
  for (const auto& [name, value] : labels) metric.label.push_back({name, Printable(value, kLabelLimit)});
  return metric;
}

}  // namespace

ClientMetric Gauge(Labels labels, double value) {
  ClientMetric metric = Labelled(labels);
  metric.gauge.value = value;
  return metric;
}

ClientMetric Counter(Labels labels, uint64_t value) {
  ClientMetric metric = Labelled(labels);
  metric.counter.value = static_cast<double>(value);
  return metric;
}

ClientMetric Distribution(Labels labels, const Histogram& histogram) {
  ClientMetric metric = Labelled(labels);
  auto& out = metric.histogram;
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    out.sample_count += histogram.counts[i];
    const bool last = i == histogram.bounds.size();
    out.bucket.push_back(
        {out.sample_count, last ? std::numeric_limits<double>::infinity() : histogram.bounds[i]});
  }
  out.sample_sum = histogram.sum;
  return metric;
}

}  // namespace imagebatch::metrics
