#include "metrics/families.h"

#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "metrics/hang_samples.h"
#include "metrics/samples.h"

namespace imagebatch::metrics {
namespace {

using prometheus::MetricType;

Samples BatchTimes(const Snapshot& snapshot, std::optional<Time> BatchSample::*time) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    if (batch.get()->*time)
      out.push_back(
          Gauge({{"namespace", batch->ns}, {"batch", batch->name}}, UnixSeconds(*(batch.get()->*time))));
  }
  return out;
}

Samples Builds(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    for (const auto& stage : batch->stages) {
      const auto add = [&](std::string_view state, int64_t count) {
        out.push_back(Gauge(
            {{"namespace", batch->ns}, {"batch", batch->name}, {"stage", stage.stage}, {"state", state}},
            static_cast<double>(count)));
      };
      add("waiting", stage.waiting);
      add("queued", stage.queued);
      add("held", stage.held);
      add("pending", stage.pending);
      add("running", stage.running);
      add("succeeded", stage.succeeded);
      add("skipped", stage.skipped);
      add("failed", stage.failed);
    }
  }
  return out;
}

Samples BuildsWorking(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    if (batch->working)
      out.push_back(
          Gauge({{"namespace", batch->ns}, {"batch", batch->name}}, static_cast<double>(*batch->working)));
  }
  return out;
}

Samples BuildsSlow(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    for (const auto& stage : batch->stages) {
      if (!stage.slow) continue;
      out.push_back(Gauge({{"namespace", batch->ns}, {"batch", batch->name}, {"stage", stage.stage}},
                          static_cast<double>(*stage.slow)));
    }
  }
  return out;
}

Samples EstimatedCompletion(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    if (!batch->end) continue;
    const auto add = [&](std::string_view bound, Time time) {
      out.push_back(
          Gauge({{"namespace", batch->ns}, {"batch", batch->name}, {"bound", bound}}, UnixSeconds(time)));
    };
    add("earliest", batch->end->earliest);
    add("likely", batch->end->likely);
    add("latest", batch->end->latest);
  }
  return out;
}

Samples Suspended(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    if (!batch->suspended) continue;
    out.push_back(Gauge({{"namespace", batch->ns}, {"batch", batch->name}}, *batch->suspended ? 1 : 0));
  }
  return out;
}

Samples Conditions(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    for (const auto& [type, holds] : batch->conditions) {
      for (const bool status : {true, false}) {
        out.push_back(Gauge({{"namespace", batch->ns},
                             {"batch", batch->name},
                             {"condition", type},
                             {"status", status ? "true" : "false"}},
                            holds == status ? 1 : 0));
      }
    }
  }
  return out;
}

Samples ResultsWaiting(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    if (!batch->results_waiting) continue;
    out.push_back(Gauge({{"namespace", batch->ns}, {"batch", batch->name}},
                        static_cast<double>(*batch->results_waiting)));
  }
  return out;
}

Samples FailingSince(const Snapshot& snapshot) {
  Samples out;
  for (const auto& batch : snapshot.batches) {
    for (const auto& [purpose, since] : batch->failing_since)
      out.push_back(Gauge({{"namespace", batch->ns}, {"batch", batch->name}, {"purpose", purpose}},
                          UnixSeconds(since)));
  }
  for (const auto& [purpose, since] : snapshot.failing_since)
    out.push_back(Gauge({{"purpose", purpose}}, UnixSeconds(since)));
  return out;
}

Samples BuildDuration(const Snapshot& snapshot) {
  Samples out;
  for (const auto& [outcome, histogram] : snapshot.totals.build_duration)
    out.push_back(Distribution({{"outcome", outcome}}, histogram));
  return out;
}

Samples DetectionDelay(const Snapshot& snapshot) {
  Samples out;
  for (const auto& [class_name, histogram] : snapshot.totals.hang_detection_delay)
    out.push_back(Distribution({{"class", class_name}}, histogram));
  return out;
}

Samples Attempts(const Snapshot& snapshot) {
  Samples out;
  for (const auto& [key, count] : snapshot.totals.attempts)
    out.push_back(Counter({{"outcome", key.first}, {"reason", key.second}}, count));
  return out;
}

Samples WatchLastEvent(const Snapshot& snapshot) {
  Samples out;
  for (const auto& watch : snapshot.watches) {
    if (watch.last_event)
      out.push_back(Gauge({{"resource", watch.resource}}, UnixSeconds(*watch.last_event)));
  }
  return out;
}

Samples WatchRestarts(const Snapshot& snapshot) {
  Samples out;
  for (const auto& watch : snapshot.watches) {
    for (const auto& [reason, count] : watch.restarts)
      out.push_back(Counter({{"resource", watch.resource}, {"reason", reason}}, count));
  }
  return out;
}

Samples Requests(const Snapshot& snapshot) {
  Samples out;
  for (const auto& request : snapshot.requests) {
    out.push_back(Counter({{"verb", request.verb}, {"resource", request.resource}, {"code", request.code}},
                          request.count));
  }
  return out;
}

Samples LastReconcile(const Snapshot& snapshot) {
  if (!snapshot.last_reconcile) return {};
  return {Gauge({}, UnixSeconds(*snapshot.last_reconcile))};
}

struct Generator {
  const char* name;
  const char* help;
  MetricType type;
  Samples (*samples)(const Snapshot&);
};

constexpr Generator kGenerators[] = {
    {"imagebatch_builds", "Builds of a stage by state; each build is in exactly one.", MetricType::Gauge,
     Builds},
    {"imagebatch_builds_hung", "Builds that hang, by class.", MetricType::Gauge, BuildsHung},
    {"imagebatch_builds_stalled", "Builds that the cluster has not started or not removed, by class.",
     MetricType::Gauge, BuildsStalled},
    {"imagebatch_builds_working", "Builds a container of which runs, and that have no verdict.",
     MetricType::Gauge, BuildsWorking},
    {"imagebatch_hangs_total", "How often a build was found hung, by class.", MetricType::Counter, Hangs},
    {"imagebatch_hung_build_since_timestamp_seconds", "When a build hung; at most 20 builds of each batch.",
     MetricType::Gauge, HungBuildSince},
    {"imagebatch_hang_info", "What hangs that are alike have in common; at most 20 groups of each batch.",
     MetricType::Gauge, HangInfo},
    {"imagebatch_hang_group_builds", "Builds that hang alike, by fingerprint.", MetricType::Gauge,
     HangGroupBuilds},
    {"imagebatch_builds_slow",
     "Builds that run far longer than the finished ones of their stage, and are not hung.", MetricType::Gauge,
     BuildsSlow},
    {"imagebatch_batch_start_timestamp_seconds", "When the batch started.", MetricType::Gauge,
     [](const Snapshot& s) { return BatchTimes(s, &BatchSample::start); }},
    {"imagebatch_batch_last_progress_timestamp_seconds", "When a build of the batch last started or ended.",
     MetricType::Gauge, [](const Snapshot& s) { return BatchTimes(s, &BatchSample::last_progress); }},
    {"imagebatch_batch_completion_timestamp_seconds", "When the batch finished.", MetricType::Gauge,
     [](const Snapshot& s) { return BatchTimes(s, &BatchSample::completion); }},
    {"imagebatch_batch_deadline_timestamp_seconds",
     "When the batch's activeDeadlineSeconds will have passed.", MetricType::Gauge,
     [](const Snapshot& s) { return BatchTimes(s, &BatchSample::deadline); }},
    {"imagebatch_batch_estimated_completion_timestamp_seconds",
     "When the batch will have finished; in four of five cases between earliest and latest.",
     MetricType::Gauge, EstimatedCompletion},
    {"imagebatch_batch_suspended", "1 where spec.suspend is true, else 0.", MetricType::Gauge, Suspended},
    {"imagebatch_batch_status_condition", "1 where the batch's condition has this status, else 0.",
     MetricType::Gauge, Conditions},
    {"imagebatch_results_waiting", "Results of finished attempts that are not stored yet.", MetricType::Gauge,
     ResultsWaiting},
    {"imagebatch_watched_pods",
     "Running Pods of no batch with the label imagebatch.dev/watch, and whether they can be watched.",
     MetricType::Gauge, WatchedPods},
    {"imagebatch_watched_pods_hung", "Watched Pods of no batch that hang, by class.", MetricType::Gauge,
     WatchedPodsHung},
    {"imagebatch_watched_pod_hung_since_timestamp_seconds",
     "When a watched Pod of no batch hung; at most 100.", MetricType::Gauge, WatchedPodHungSince},
    {"imagebatch_build_duration_seconds", "From the start of a finished attempt's container to its end.",
     MetricType::Histogram, BuildDuration},
    {"imagebatch_hang_detection_delay_seconds",
     "From the runner's verdict of Hung to the moment the controller knew of it.", MetricType::Histogram,
     DetectionDelay},
    {"imagebatch_attempts_total", "Finished attempts.", MetricType::Counter, Attempts},
    {"imagebatch_watch_last_event_timestamp_seconds", "When a watch last said anything, bookmarks included.",
     MetricType::Gauge, WatchLastEvent},
    {"imagebatch_watch_restarts_total", "Watches that ended and were begun again.", MetricType::Counter,
     WatchRestarts},
    {"imagebatch_apiserver_requests_total",
     "Requests to the API server by the code of the reply; error where none came.", MetricType::Counter,
     Requests},
    {"imagebatch_request_failing_since_timestamp_seconds",
     "Since when a request of this purpose has failed, tries included; absent where none does.",
     MetricType::Gauge, FailingSince},
    {"imagebatch_reconcile_last_success_timestamp_seconds",
     "When the control loop last ended a step knowing the state of the cluster.", MetricType::Gauge,
     LastReconcile},
    {"imagebatch_loop_spins_total", "Steps of the control loop that were due at once without a cause.",
     MetricType::Counter, [](const Snapshot& s) { return Samples{Counter({}, s.loop_spins)}; }},
    {"imagebatch_reconcile_duration_seconds", "Time of one step of the control loop.", MetricType::Histogram,
     [](const Snapshot& s) { return Samples{Distribution({}, s.totals.reconcile_duration)}; }},
};

}  // namespace

std::vector<prometheus::MetricFamily> Families(const Snapshot& snapshot, std::string_view version) {
  std::vector<prometheus::MetricFamily> families;
  families.reserve(std::size(kGenerators) + 1);
  for (const auto& generator : kGenerators)
    families.push_back({generator.name, generator.help, generator.type, generator.samples(snapshot)});
  families.push_back({"imagebatch_build_info",
                      "Always 1; the version of the running controller.",
                      MetricType::Gauge,
                      {Gauge({{"version", version}}, 1)}});
  return families;
}

}  // namespace imagebatch::metrics
