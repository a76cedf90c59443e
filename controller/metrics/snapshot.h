#pragma once
#include <cstdint>
#include <map>
#include <memory>
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
  int64_t waiting = 0, queued = 0, held = 0, pending = 0, running = 0, succeeded = 0, skipped = 0, failed = 0;
  std::optional<int64_t> slow;  // of the running ones
};

struct HungBuild {
  std::string stage, build, class_name, fingerprint, pod, node;  // build: the row's name or key
  Time since;
};

/// Hangs that are alike.
struct HangGroup {
  std::string class_name, fingerprint, summary;
  int64_t hanging = 0;  // builds that hang so now
};

/// When the batch will have ended, with a spread.
struct EndEstimate {
  Time earliest, likely, latest;
};

/// Of a batch that finished an hour ago there are only the counts of its builds, its completion and its
/// conditions left.
struct BatchSample {
  std::string ns, name;
  std::vector<StageCounts> stages;
  std::map<std::string, int64_t> hung_by_class, stalled_by_class;  // every known class, zeros included
  std::map<std::string, int64_t> hangs;  // so many so far, by class; empty until the results are known
  std::optional<int64_t> working;  // builds whose containers run and that have no verdict; absent until known
  std::vector<HungBuild> hung;     // those that hang, at most 20, oldest first
  std::vector<HangGroup> hang_groups;  // the most important first
  std::optional<Time> start, last_progress, completion;
  std::optional<Time> deadline;  // start and spec.activeDeadlineSeconds
  std::optional<EndEstimate> end;
  std::optional<int64_t> results_waiting;                // that are not stored yet
  std::map<std::string, Time> failing_since;             // purpose of requests
  std::vector<std::pair<std::string, bool>> conditions;  // of the status: type, and whether it holds
  std::optional<bool> suspended;  // spec.suspend: that nothing moves is then as it should be
};

/// Pods of no batch that are to be watched and whose containers run.
struct PodsSample {
  struct OfNamespace {
    int64_t watched = 0, unwatched = 0;            // unwatched: that cannot be, and have been told so
    std::map<std::string, int64_t> hung_by_class;  // every known class, zeros included
  };
  struct Hung {
    std::string ns, pod, container, class_name, owner_kind, owner_name, node;
    Time since;
  };
  std::map<std::string, OfNamespace> namespaces;
  std::vector<Hung> hung;  // at most 100, oldest first
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
  // (outcome, reason); the usual ones are there from zero, or increase() would miss the first of each
  std::map<std::pair<std::string, std::string>, uint64_t> attempts = {
      {{"succeeded", "Succeeded"}, 0}, {{"failed", "Error"}, 0},      {{"failed", "Evicted"}, 0},
      {{"failed", "Hung"}, 0},         {{"failed", "JobDeleted"}, 0}, {{"failed", "JobRejected"}, 0},
      {{"failed", "OOMKilled"}, 0},    {{"failed", "PodDeleted"}, 0}};
  std::map<std::string, Histogram> build_duration;        // outcome
  std::map<std::string, Histogram> hang_detection_delay;  // class
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
  std::vector<std::shared_ptr<const BatchSample>> batches;  // those that have not changed are the last one's
  std::shared_ptr<const PodsSample> pods;                   // null: not known yet
  Totals totals;
  std::vector<WatchSample> watches;
  std::vector<RequestSample> requests;
  std::map<std::string, Time> failing_since;  // purpose of watches
  uint64_t loop_spins = 0;                    // rounds that were held back
  std::optional<Time> last_reconcile;         // the last step of the loop with a true picture of the cluster
};

}  // namespace imagebatch::metrics
