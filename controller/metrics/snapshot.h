#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace imagebatch::metrics {

/// What the owner of the state publishes for a scrape: values only, small (no entry per build but the capped
/// list of hung ones), immutable once published.

/// Builds of one stage by state; each build is in exactly one.
struct StageCounts {
  std::string stage;
  int64_t waiting = 0, queued = 0, pending = 0, running = 0, succeeded = 0, failed = 0;
  int64_t slow = 0;  // of the running ones
};

struct HungBuild {
  std::string stage, build, klass, pod, node;  // build: the row's name or key
  Time since;
};

/// When the batch will have ended, with a spread.
struct EndEstimate {
  Time earliest, likely, latest;
};

struct BatchSample {
  std::string ns, name;
  std::vector<StageCounts> stages;
  std::map<std::string, int64_t> hung_by_class;  // every class the controller knows, zeros included
  std::vector<HungBuild> hung;                   // at most 20, oldest first
  std::optional<Time> start, last_progress, completion;
  std::optional<EndEstimate> end;
  bool suspended = false;  // spec.suspend: that nothing moves is then as it should be
};

/// Counters and histograms since this process began, kept by the owner of the state.
struct Histogram {
  std::vector<double> bounds;    // upper bounds in seconds, ascending, without +Inf
  std::vector<uint64_t> counts;  // one more than bounds; not cumulative
  double sum = 0;

  explicit Histogram(std::vector<double> upper_bounds = {})
      : bounds(std::move(upper_bounds)), counts(bounds.size() + 1) {}
  void Observe(double seconds) {
    size_t i = 0;
    while (i < bounds.size() && seconds > bounds[i]) ++i;
    ++counts[i];
    sum += seconds;
  }
};

struct Totals {
  std::map<std::pair<std::string, std::string>, uint64_t> attempts;         // (outcome, reason)
  std::map<std::pair<std::string, std::string>, Histogram> build_duration;  // (stage, outcome)
  std::map<std::string, Histogram> hang_detection_delay;                    // class
  Histogram reconcile_duration{{0.0001, 0.001, 0.01, 0.1, 1, 10}};
};

struct WatchSample {
  std::string resource;
  std::optional<Time> last_event;            // an event, a bookmark or a list
  std::map<std::string, uint64_t> restarts;  // reason
};

struct RequestSample {
  std::string verb, resource, code;  // as Kubernetes names them; code "<error>" where no reply came
  uint64_t count = 0;
};

struct Snapshot {
  std::vector<BatchSample> batches;
  Totals totals;
  std::vector<WatchSample> watches;
  std::vector<RequestSample> requests;
  std::optional<Time> last_reconcile;  // the last step of the loop that ended without an error
};

}  // namespace imagebatch::metrics
