#pragma once
#include "metrics/snapshot.h"

namespace imagebatch::metrics {

inline Time At(const char* text) { return ParseTime(text).value(); }

/// A snapshot with at least one sample of every family.
inline Snapshot FullSnapshot() {
  Snapshot s;
  BatchSample batch;
  batch.ns = "builds";
  batch.name = "verified";
  batch.stages = {{"env", 0, 0, 0, 0, 0, 3, 0, 0, 0}, {"image", 1, 2, 7, 3, 4, 5, 0, 6, 1}};
  batch.hung_by_class = {{"Deadline", 0}, {"Idle", 1}};
  batch.stalled_by_class = {{"ImagePull", 2}};
  batch.hangs = {{"Deadline", 0}, {"Idle", 4}};
  batch.working = 3;
  batch.hung = {{"image", "django__django-1", "Idle", "0123456789ab", "verified-abc-1-x", "node-1",
                 At("2026-01-02T03:04:05Z")}};
  batch.hang_groups = {{"Idle", "0123456789ab", "pip waits for a socket", 1},
                       {"Busy", "ba9876543210", "spin.py", 0}};
  batch.start = At("2026-01-02T03:00:00Z");
  batch.last_progress = At("2026-01-02T03:03:00Z");
  batch.completion = At("2026-01-02T04:00:00Z");
  batch.end = {At("2026-01-02T03:50:00Z"), At("2026-01-02T03:55:00Z"), At("2026-01-02T04:05:00Z")};
  batch.deadline = At("2026-01-02T05:00:00Z");
  batch.suspended = true;
  batch.results_waiting = 3;
  batch.conditions = {{"Complete", true}, {"Failed", false}};
  batch.failing_since["WriteResults"] = At("2026-01-02T03:04:00Z");
  s.batches.push_back(std::make_shared<const BatchSample>(batch));
  PodsSample pods;
  pods.namespaces["ci"] = {3, 1, {{"Idle", 1}}};
  pods.hung = {{"ci", "nightly-x", "main", "Idle", "Job", "nightly", "node-2", At("2026-01-02T03:04:05Z")}};
  s.pods = std::make_shared<const PodsSample>(pods);
  s.totals.attempts = {{{"Failed", "Evicted"}, 7}};
  Histogram duration({1, 60});
  for (const double seconds : {0.5, 30.0, 31.0, 90.0}) duration.Observe(seconds);
  s.totals.build_duration.emplace("Succeeded", duration);
  Histogram delay({5});
  delay.Observe(2);
  s.totals.hang_detection_delay.emplace("Idle", delay);
  s.totals.reconcile_duration.Observe(0.05);
  s.watches.push_back({"pods", At("2026-01-02T03:04:00Z"), {{"Gone", 2}}});
  s.requests.push_back({"create", "jobs", "201", 9});
  s.failing_since["WatchPods"] = At("2026-01-02T03:04:00Z");
  s.loop_spins = 2;
  s.last_reconcile = At("2026-01-02T03:04:06Z");
  return s;
}

}  // namespace imagebatch::metrics
