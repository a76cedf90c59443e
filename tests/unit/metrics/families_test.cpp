#include "metrics/families.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <string>

#include "unit/metrics/sample.h"

namespace imagebatch::metrics {
namespace {

std::string Exposition(const Snapshot& snapshot) {
  return prometheus::TextSerializer().Serialize(Families(snapshot, "1.2.3"));
}

TEST(FamiliesTest, FullSnapshotAsPrometheusReadsIt) {
  EXPECT_EQ(Exposition(FullSnapshot()),
            R"(# HELP imagebatch_builds Builds of a stage by state; each build is in exactly one.
# TYPE imagebatch_builds gauge
imagebatch_builds{namespace="builds",batch="verified",stage="env",state="waiting"} 0
imagebatch_builds{namespace="builds",batch="verified",stage="env",state="queued"} 0
imagebatch_builds{namespace="builds",batch="verified",stage="env",state="held"} 0
imagebatch_builds{namespace="builds",batch="verified",stage="env",state="pending"} 0
imagebatch_builds{namespace="builds",batch="verified",stage="env",state="running"} 0
imagebatch_builds{namespace="builds",batch="verified",stage="env",state="succeeded"} 3
imagebatch_builds{namespace="builds",batch="verified",stage="env",state="skipped"} 0
imagebatch_builds{namespace="builds",batch="verified",stage="env",state="failed"} 0
imagebatch_builds{namespace="builds",batch="verified",stage="image",state="waiting"} 1
imagebatch_builds{namespace="builds",batch="verified",stage="image",state="queued"} 2
imagebatch_builds{namespace="builds",batch="verified",stage="image",state="held"} 7
imagebatch_builds{namespace="builds",batch="verified",stage="image",state="pending"} 3
imagebatch_builds{namespace="builds",batch="verified",stage="image",state="running"} 4
imagebatch_builds{namespace="builds",batch="verified",stage="image",state="succeeded"} 5
imagebatch_builds{namespace="builds",batch="verified",stage="image",state="skipped"} 0
imagebatch_builds{namespace="builds",batch="verified",stage="image",state="failed"} 6
# HELP imagebatch_builds_hung Builds that hang, by class.
# TYPE imagebatch_builds_hung gauge
imagebatch_builds_hung{namespace="builds",batch="verified",class="Deadline"} 0
imagebatch_builds_hung{namespace="builds",batch="verified",class="Idle"} 1
# HELP imagebatch_builds_stalled Builds that the cluster has not started or not removed, by class.
# TYPE imagebatch_builds_stalled gauge
imagebatch_builds_stalled{namespace="builds",batch="verified",class="ImagePull"} 2
# HELP imagebatch_builds_working Builds a container of which runs, and that have no verdict.
# TYPE imagebatch_builds_working gauge
imagebatch_builds_working{namespace="builds",batch="verified"} 3
# HELP imagebatch_hangs_total How often a build was found hung, by class.
# TYPE imagebatch_hangs_total counter
imagebatch_hangs_total{namespace="builds",batch="verified",class="Deadline"} 0
imagebatch_hangs_total{namespace="builds",batch="verified",class="Idle"} 4
# HELP imagebatch_hung_build_since_timestamp_seconds When a build hung; at most 20 builds of each batch.
# TYPE imagebatch_hung_build_since_timestamp_seconds gauge
imagebatch_hung_build_since_timestamp_seconds{namespace="builds",batch="verified",stage="image",build="django__django-1",class="Idle",fingerprint="0123456789ab",pod="verified-abc-1-x",node="node-1"} 1767323045
# HELP imagebatch_hang_info What hangs that are alike have in common; at most 20 groups of each batch.
# TYPE imagebatch_hang_info gauge
imagebatch_hang_info{namespace="builds",batch="verified",class="Idle",fingerprint="0123456789ab",summary="pip waits for a socket"} 1
imagebatch_hang_info{namespace="builds",batch="verified",class="Busy",fingerprint="ba9876543210",summary="spin.py"} 1
# HELP imagebatch_hang_group_builds Builds that hang alike, by fingerprint.
# TYPE imagebatch_hang_group_builds gauge
imagebatch_hang_group_builds{namespace="builds",batch="verified",class="Idle",fingerprint="0123456789ab"} 1
imagebatch_hang_group_builds{namespace="builds",batch="verified",class="Busy",fingerprint="ba9876543210"} 0
# HELP imagebatch_builds_slow Builds that run far longer than the finished ones of their stage, and are not hung.
# TYPE imagebatch_builds_slow gauge
imagebatch_builds_slow{namespace="builds",batch="verified",stage="env"} 0
imagebatch_builds_slow{namespace="builds",batch="verified",stage="image"} 1
# HELP imagebatch_batch_start_timestamp_seconds When the batch started.
# TYPE imagebatch_batch_start_timestamp_seconds gauge
imagebatch_batch_start_timestamp_seconds{namespace="builds",batch="verified"} 1767322800
# HELP imagebatch_batch_last_progress_timestamp_seconds When a build of the batch last started or ended.
# TYPE imagebatch_batch_last_progress_timestamp_seconds gauge
imagebatch_batch_last_progress_timestamp_seconds{namespace="builds",batch="verified"} 1767322980
# HELP imagebatch_batch_completion_timestamp_seconds When the batch finished.
# TYPE imagebatch_batch_completion_timestamp_seconds gauge
imagebatch_batch_completion_timestamp_seconds{namespace="builds",batch="verified"} 1767326400
# HELP imagebatch_batch_deadline_timestamp_seconds When the batch's activeDeadlineSeconds will have passed.
# TYPE imagebatch_batch_deadline_timestamp_seconds gauge
imagebatch_batch_deadline_timestamp_seconds{namespace="builds",batch="verified"} 1767330000
# HELP imagebatch_batch_estimated_completion_timestamp_seconds When the batch will have finished; in four of five cases between earliest and latest.
# TYPE imagebatch_batch_estimated_completion_timestamp_seconds gauge
imagebatch_batch_estimated_completion_timestamp_seconds{namespace="builds",batch="verified",bound="earliest"} 1767325800
imagebatch_batch_estimated_completion_timestamp_seconds{namespace="builds",batch="verified",bound="likely"} 1767326100
imagebatch_batch_estimated_completion_timestamp_seconds{namespace="builds",batch="verified",bound="latest"} 1767326700
# HELP imagebatch_batch_suspended 1 where spec.suspend is true, else 0.
# TYPE imagebatch_batch_suspended gauge
imagebatch_batch_suspended{namespace="builds",batch="verified"} 1
# HELP imagebatch_batch_status_condition 1 where the batch's condition has this status, else 0.
# TYPE imagebatch_batch_status_condition gauge
imagebatch_batch_status_condition{namespace="builds",batch="verified",condition="Complete",status="true"} 1
imagebatch_batch_status_condition{namespace="builds",batch="verified",condition="Complete",status="false"} 0
imagebatch_batch_status_condition{namespace="builds",batch="verified",condition="Failed",status="true"} 0
imagebatch_batch_status_condition{namespace="builds",batch="verified",condition="Failed",status="false"} 1
# HELP imagebatch_results_waiting Results of finished attempts that are not stored yet.
# TYPE imagebatch_results_waiting gauge
imagebatch_results_waiting{namespace="builds",batch="verified"} 3
# HELP imagebatch_watched_pods Running Pods of no batch with the label imagebatch.dev/watch, and whether they can be watched.
# TYPE imagebatch_watched_pods gauge
imagebatch_watched_pods{namespace="ci",watched="true"} 3
imagebatch_watched_pods{namespace="ci",watched="false"} 1
# HELP imagebatch_watched_pods_hung Watched Pods of no batch that hang, by class.
# TYPE imagebatch_watched_pods_hung gauge
imagebatch_watched_pods_hung{namespace="ci",class="Idle"} 1
# HELP imagebatch_watched_pod_hung_since_timestamp_seconds When a watched Pod of no batch hung; at most 100.
# TYPE imagebatch_watched_pod_hung_since_timestamp_seconds gauge
imagebatch_watched_pod_hung_since_timestamp_seconds{namespace="ci",pod="nightly-x",container="main",class="Idle",owner_kind="Job",owner_name="nightly",node="node-2"} 1767323045
# HELP imagebatch_build_duration_seconds From the start of a finished attempt's container to its end.
# TYPE imagebatch_build_duration_seconds histogram
imagebatch_build_duration_seconds_count{outcome="Succeeded"} 4
imagebatch_build_duration_seconds_sum{outcome="Succeeded"} 151.5
imagebatch_build_duration_seconds_bucket{outcome="Succeeded",le="1"} 1
imagebatch_build_duration_seconds_bucket{outcome="Succeeded",le="60"} 3
imagebatch_build_duration_seconds_bucket{outcome="Succeeded",le="+Inf"} 4
# HELP imagebatch_hang_detection_delay_seconds From the runner's verdict of Hung to the moment the controller knew of it.
# TYPE imagebatch_hang_detection_delay_seconds histogram
imagebatch_hang_detection_delay_seconds_count{class="Idle"} 1
imagebatch_hang_detection_delay_seconds_sum{class="Idle"} 2
imagebatch_hang_detection_delay_seconds_bucket{class="Idle",le="5"} 1
imagebatch_hang_detection_delay_seconds_bucket{class="Idle",le="+Inf"} 1
# HELP imagebatch_attempts_total Finished attempts.
# TYPE imagebatch_attempts_total counter
imagebatch_attempts_total{outcome="Failed",reason="Evicted"} 7
# HELP imagebatch_watch_last_event_timestamp_seconds When a watch last said anything, bookmarks included.
# TYPE imagebatch_watch_last_event_timestamp_seconds gauge
imagebatch_watch_last_event_timestamp_seconds{resource="pods"} 1767323040
# HELP imagebatch_watch_restarts_total Watches that ended and were begun again.
# TYPE imagebatch_watch_restarts_total counter
imagebatch_watch_restarts_total{resource="pods",reason="Gone"} 2
# HELP imagebatch_apiserver_requests_total Requests to the API server by the code of the reply; error where none came.
# TYPE imagebatch_apiserver_requests_total counter
imagebatch_apiserver_requests_total{verb="create",resource="jobs",code="201"} 9
# HELP imagebatch_request_failing_since_timestamp_seconds Since when a request of this purpose has failed, tries included; absent where none does.
# TYPE imagebatch_request_failing_since_timestamp_seconds gauge
imagebatch_request_failing_since_timestamp_seconds{namespace="builds",batch="verified",purpose="WriteResults"} 1767323040
imagebatch_request_failing_since_timestamp_seconds{purpose="WatchPods"} 1767323040
# HELP imagebatch_reconcile_last_success_timestamp_seconds When the control loop last ended a step knowing the state of the cluster.
# TYPE imagebatch_reconcile_last_success_timestamp_seconds gauge
imagebatch_reconcile_last_success_timestamp_seconds 1767323046
# HELP imagebatch_loop_spins_total Steps of the control loop that were due at once without a cause.
# TYPE imagebatch_loop_spins_total counter
imagebatch_loop_spins_total 2
# HELP imagebatch_reconcile_duration_seconds Time of one step of the control loop.
# TYPE imagebatch_reconcile_duration_seconds histogram
imagebatch_reconcile_duration_seconds_count 1
imagebatch_reconcile_duration_seconds_sum 0.05
imagebatch_reconcile_duration_seconds_bucket{le="0.0001"} 0
imagebatch_reconcile_duration_seconds_bucket{le="0.001"} 0
imagebatch_reconcile_duration_seconds_bucket{le="0.01"} 0
imagebatch_reconcile_duration_seconds_bucket{le="0.1"} 1
imagebatch_reconcile_duration_seconds_bucket{le="1"} 1
imagebatch_reconcile_duration_seconds_bucket{le="10"} 1
imagebatch_reconcile_duration_seconds_bucket{le="+Inf"} 1
# HELP imagebatch_build_info Always 1; the version of the running controller.
# TYPE imagebatch_build_info gauge
imagebatch_build_info{version="1.2.3"} 1
)");
}

TEST(FamiliesTest, BeforeAnythingIsKnownThereIsNoSampleToMisread) {
  const std::string text = Exposition(Snapshot{});
  std::string samples;
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (text[begin] != '#') samples += text.substr(begin, end - begin + 1);
  }
  EXPECT_EQ(samples, R"(imagebatch_attempts_total{outcome="failed",reason="Error"} 0
imagebatch_attempts_total{outcome="failed",reason="Evicted"} 0
imagebatch_attempts_total{outcome="failed",reason="Hung"} 0
imagebatch_attempts_total{outcome="failed",reason="JobDeleted"} 0
imagebatch_attempts_total{outcome="failed",reason="JobRejected"} 0
imagebatch_attempts_total{outcome="failed",reason="OOMKilled"} 0
imagebatch_attempts_total{outcome="failed",reason="PodDeleted"} 0
imagebatch_attempts_total{outcome="succeeded",reason="Succeeded"} 0
imagebatch_loop_spins_total 0
imagebatch_reconcile_duration_seconds_count 0
imagebatch_reconcile_duration_seconds_sum 0
imagebatch_reconcile_duration_seconds_bucket{le="0.0001"} 0
imagebatch_reconcile_duration_seconds_bucket{le="0.001"} 0
imagebatch_reconcile_duration_seconds_bucket{le="0.01"} 0
imagebatch_reconcile_duration_seconds_bucket{le="0.1"} 0
imagebatch_reconcile_duration_seconds_bucket{le="1"} 0
imagebatch_reconcile_duration_seconds_bucket{le="10"} 0
imagebatch_reconcile_duration_seconds_bucket{le="+Inf"} 0
imagebatch_build_info{version="1.2.3"} 1
)");
}

TEST(FamiliesTest, ABatchThatIsGoneLeavesNoSeries) {
  Snapshot snapshot = FullSnapshot();
  ASSERT_NE(Exposition(snapshot).find("verified"), std::string::npos);
  snapshot.batches.clear();
  EXPECT_EQ(Exposition(snapshot).find("verified"), std::string::npos);
}

TEST(FamiliesTest, LabelValuesAreBoundedAndCannotForgeASample) {
  Snapshot snapshot = FullSnapshot();
  BatchSample batch = *snapshot.batches[0];
  batch.hung[0].build = "x\"} 1\nimagebatch_build_info{version=\"forged\\\xff\x1b" + std::string(1000, 'y');
  snapshot.batches[0] = std::make_shared<const BatchSample>(batch);
  const std::string text = Exposition(snapshot);
  EXPECT_EQ(text.find("\nimagebatch_build_info{version=\"forged"), std::string::npos);
  EXPECT_NE(text.find(R"(build="x\"} 1 imagebatch_build_info{version=\"forged\\??yyy)"), std::string::npos);
  EXPECT_EQ(text.find(std::string(200, 'y')), std::string::npos);
}

}  // namespace
}  // namespace imagebatch::metrics
