#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace imagebatch::cli::testing {

/// A batch of two stages in the middle of its work.
inline nlohmann::json RunningBatch() {
  return nlohmann::json::parse(R"({
    "metadata": {"name": "hello", "namespace": "builds", "uid": "u-1", "generation": 3,
                 "creationTimestamp": "2026-11-28T10:00:00Z", "resourceVersion": "7"},
    "spec": {"parallelism": 50, "images": {"rows": [{"name": "a"}, {"name": "b"}]},
             "stages": [{"name": "env"}, {"name": "image", "needs": ["env"]}]},
    "status": {
      "observedGeneration": 3, "startTime": "2026-11-28T10:00:00Z",
      "total": 100, "waiting": 10, "queued": 5, "held": 0, "pending": 3, "running": 12, "succeeded": 68, "skipped": 0,
      "failed": 2, "hung": 2, "stalled": 1, "slow": 1, "retried": 4,
      "stages": [
        {"name": "env", "total": 20, "waiting": 0, "queued": 0, "held": 0, "pending": 0, "running": 1, "succeeded": 18,
         "skipped": 0, "failed": 1},
        {"name": "image", "total": 80, "waiting": 10, "queued": 5, "held": 0, "pending": 3, "running": 11,
         "succeeded": 50, "skipped": 0, "failed": 1}],
      "estimatedCompletion": {"earliest": "2026-11-28T10:18:00Z", "likely": "2026-11-28T10:20:00Z",
                              "latest": "2026-11-28T10:30:00Z"},
      "hungBuilds": [
        {"stage": "image", "name": "django__django-17087", "attempt": 1, "class": "Deadlock",
         "since": "2026-11-28T10:05:00Z", "pod": "p-1", "node": "node1",
         "message": "fork_pool.py waits for a Lock that nobody is left to unlock", "fingerprint": "c3847c72e8b4",
         "evidence": {"record": "hello-evidence-abc-1", "sha256": "00"}},
        {"stage": "image", "name": "astropy-1", "attempt": 2, "class": "Idle", "since": "2026-11-28T10:09:00Z",
         "pod": "p-2", "node": "node2", "message": "nothing happens"}],
      "hangGroups": [
        {"class": "Deadlock", "fingerprint": "c3847c72e8b4", "summary": "a Lock nobody is left to unlock", "count": 2,
         "hanging": 1}],
      "stalledBuilds": [
        {"stage": "image", "name": "flask-2", "attempt": 1, "class": "ImagePull", "since": "2026-11-28T10:08:00Z",
         "pod": "p-3", "message": "image r/x: not found"}],
      "slowBuilds": [{"stage": "env", "name": "django-3.0", "attempt": 1, "since": "2026-11-28T10:01:00Z", "pod": "p-4",
                      "medianSeconds": 61.5}],
      "failedBuilds": [
        {"stage": "env", "name": "flask-1.0", "attempt": 3, "reason": "Error", "message": "exit code 1"}],
      "conditions": [
        {"type": "Complete", "status": "False", "reason": "NotFinished", "message": ""},
        {"type": "Failed", "status": "False", "reason": "NotFailed", "message": ""},
        {"type": "HungBuilds", "status": "True", "reason": "Deadlock", "message": "build django__django-17087 hangs"},
        {"type": "Ready", "status": "False", "reason": "Hung",
         "message": "build django__django-17087 of stage image: fork_pool.py waits"}]}})");
}

}  // namespace imagebatch::cli::testing
