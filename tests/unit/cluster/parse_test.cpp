#include "cluster/objects/parse.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/held_bytes.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// As kube-apiserver 1.34 sends them, shortened.
constexpr const char* kJob = R"json({
  "kind": "Job", "apiVersion": "batch/v1",
  "metadata": {
    "name": "verified-abcdefghij-2", "namespace": "builds", "uid": "8a1f", "resourceVersion": "4711", "generation": 1,
    "creationTimestamp": "2026-01-02T03:04:05Z",
    "labels": {"batch.kubernetes.io/job-name": "verified-abcdefghij-2", "imagebatch.dev/batch": "verified",
               "imagebatch.dev/build": "abcdefghij", "imagebatch.dev/attempt": "2", "imagebatch.dev/round": "3"},
    "ownerReferences": [
      {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "c0ffee"},
      {"apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatch", "name": "verified", "uid": "b47c",
       "controller": true, "blockOwnerDeletion": true}],
    "managedFields": [{"manager": "imagebatch", "fieldsV1": {"f:metadata": {"f:labels": {".": {}}}}}]},
  "spec": {"completions": 1, "template": {"metadata": {"name": "not-this-one", "labels": {"imagebatch.dev/attempt": "9"}},
           "spec": {"containers": [{"name": "build", "command": ["a \"quoted\" word", "{", "\\"]}]}}},
  "status": {
    "conditions": [
      {"type": "FailureTarget", "status": "True", "reason": "Other", "lastTransitionTime": "2026-01-02T03:09:00Z"},
      {"type": "Complete", "status": "False", "reason": "NotThis"},
      {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded",
       "message": "Job has reached the specified backoff limit", "lastProbeTime": "2026-01-02T03:10:00Z",
       "lastTransitionTime": "2026-01-02T03:10:05Z"}],
    "startTime": "2026-01-02T03:04:06Z", "failed": 1, "ready": 0, "uncountedTerminatedPods": {}}})json";

constexpr const char* kPod = R"json({
  "kind": "Pod", "apiVersion": "v1",
  "metadata": {
    "name": "verified-abcdefghij-2-x7k2p", "namespace": "builds", "uid": "9b2e", "resourceVersion": "4712",
    "labels": {"imagebatch.dev/batch-uid": "b47c", "batch.kubernetes.io/job-name": "verified-abcdefghij-2"},
    "annotations": {"kubectl.kubernetes.io/default-container": "build", "imagebatch.dev/name": "django-1"},
    "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "verified-abcdefghij-2", "uid": "8a1f",
                         "controller": true, "blockOwnerDeletion": true}]},
  "spec": {"nodeName": "node-1", "containers": [{"name": "build"}, {"name": "proxy"}]},
  "status": {
    "phase": "Running",
    "conditions": [
      {"type": "DisruptionTarget", "status": "False", "reason": "Nobody"},
      {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-02T03:06:07Z", "reason": "ContainersNotReady"},
      {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-02T03:04:05Z"}],
    "initContainerStatuses": [{"name": "imagebatch-runner", "ready": true, "state": {"terminated": {"exitCode": 7}}}],
    "containerStatuses": [
      {"name": "proxy", "ready": true, "state": {"running": {"startedAt": "2026-01-02T03:05:00Z"}}},
      {"name": "build", "ready": false, "restartCount": 0, "started": true,
       "state": {"running": {"startedAt": "2026-01-02T03:05:06Z"}},
       "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}}]}})json";

/// The same object with the fields of every level in the opposite order.
ordered_json Reversed(const ordered_json& value) {
  if (value.is_array()) {
    ordered_json items = ordered_json::array();
    for (const auto& item : value) items.push_back(Reversed(item));
    return items;
  }
  if (!value.is_object()) return value;
  ordered_json reversed = ordered_json::object();
  for (auto at = value.rbegin(); at != value.rend(); ++at) reversed[at.key()] = Reversed(at.value());
  return reversed;
}

Time At(const char* text) { return *ParseTime(text); }

void ExpectTheJob(const JobView& job) {
  EXPECT_EQ(job.name, "verified-abcdefghij-2");
  EXPECT_EQ(job.ns, "builds");
  EXPECT_EQ(job.uid, "8a1f");
  EXPECT_EQ(job.version, 4711u);
  EXPECT_EQ(job.batch_uid, "b47c");
  EXPECT_EQ(job.build, "abcdefghij");
  EXPECT_EQ(job.attempt, 2);
  EXPECT_EQ(job.round, 3);
  EXPECT_EQ(job.phase, JobView::Phase::Failed);
  EXPECT_EQ(job.reason, "BackoffLimitExceeded");
  EXPECT_EQ(job.message, "Job has reached the specified backoff limit");
  EXPECT_EQ(job.created, At("2026-01-02T03:04:05Z"));
  EXPECT_EQ(job.finished, At("2026-01-02T03:10:05Z"));
}

void ExpectThePod(const PodView& pod) {
  EXPECT_EQ(pod.name, "verified-abcdefghij-2-x7k2p");
  EXPECT_EQ(pod.ns, "builds");
  EXPECT_EQ(pod.uid, "9b2e");
  EXPECT_EQ(pod.version, 4712u);
  EXPECT_EQ(pod.job, "verified-abcdefghij-2");
  EXPECT_EQ(pod.job_uid, "8a1f");
  EXPECT_EQ(pod.batch_uid, "b47c");
  EXPECT_EQ(pod.node, "node-1");
  EXPECT_FALSE(pod.deleting);
  EXPECT_EQ(pod.disruption, "");
  EXPECT_EQ(pod.ready_changed, At("2026-01-02T03:06:07Z"));
  ASSERT_TRUE(pod.build);
  EXPECT_EQ(pod.build->name, "build");
  EXPECT_EQ(pod.build->state, ContainerView::State::Running);
  EXPECT_FALSE(pod.build->ready);
  EXPECT_EQ(pod.build->started, At("2026-01-02T03:05:06Z"));
  EXPECT_EQ(pod.build->exit_code, 0) << "lastState is another run's";
}

TEST(ParseTest, ReadsAJobInAnyOrderOfFields) {
  ExpectTheJob(ParseJob(kJob).value());
  ExpectTheJob(ParseJob(Reversed(ordered_json::parse(kJob)).dump()).value());
}

TEST(ParseTest, ReadsAPodInAnyOrderOfFields) {
  ExpectThePod(ParsePod(kPod).value());
  ExpectThePod(ParsePod(Reversed(ordered_json::parse(kPod)).dump()).value());
}

TEST(ParseTest, MissingFieldsKeepTheirDefaults) {
  const JobView job = ParseJob(R"({"metadata": {"name": "j", "resourceVersion": "1"}})").value();
  EXPECT_EQ(job.phase, JobView::Phase::Active);
  EXPECT_EQ(job.batch_uid, "");
  EXPECT_EQ(job.attempt, 0);
  EXPECT_EQ(job.created, Time{});
  const PodView pod = ParsePod(R"({"metadata": {"name": "p", "resourceVersion": "1"}})").value();
  EXPECT_FALSE(pod.build);
  EXPECT_EQ(pod.job, "");
  EXPECT_EQ(pod.ready_changed, Time{});
}

TEST(ParseTest, FieldsOfAnotherTypeCountAsMissing) {
  const JobView job = ParseJob(R"({"metadata": {"name": "j", "resourceVersion": "1", "uid": 7, "labels": [],
      "ownerReferences": {"a": 1}, "creationTimestamp": "yesterday"}, "status": {"conditions": "none"}})")
                          .value();
  EXPECT_EQ(job.uid, "");
  EXPECT_EQ(job.created, Time{});
  EXPECT_EQ(job.phase, JobView::Phase::Active);
}

TEST(ParseTest, OnlyAControllingImageBatchIsTheBatch) {
  const struct {
    const char *api_version, *kind;
    bool controller;
    const char* batch;
  } cases[] = {{"imagebatch.dev/v1alpha1", "ImageBatch", true, "u"},
               {"imagebatch.dev/v1", "ImageBatch", true, "u"},
               {"imagebatch.dev/v1alpha1", "ImageBatch", false, ""},
               {"example.org/v1", "ImageBatch", true, ""},
               {"imagebatch.dev/v1alpha1", "Other", true, ""}};
  for (const auto& one : cases) {
    const json job = {{"metadata",
                       {{"name", "j"},
                        {"resourceVersion", "1"},
                        {"ownerReferences",
                         {{{"apiVersion", one.api_version},
                           {"kind", one.kind},
                           {"uid", "u"},
                           {"controller", one.controller}}}}}}};
    EXPECT_EQ(ParseJob(job.dump()).value().batch_uid, one.batch) << job;
  }
}

TEST(ParseTest, TextThatIsNoObjectIsRefused) {
  const std::string job = json::parse(kJob).dump(), pod = json::parse(kPod).dump();
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("[]"), std::string("\"x\""), std::string("{}"),
        "[" + job + "]", job + "}", job + job, std::string(R"({"metadata": {"name": "j"}})"),
        std::string(R"({"metadata": {"resourceVersion": "1"}})"),
        std::string(R"({"metadata": {"name": "j", "resourceVersion": "x1"}})")}) {
    EXPECT_FALSE(ParseJob(text)) << text;
    EXPECT_FALSE(ParsePod(text)) << text;
  }
}

TEST(ParseTest, TextThatWasCutAnywhereIsRefused) {
  const std::string job = json::parse(kJob).dump(), pod = json::parse(kPod).dump();
  for (size_t length = 0; length < job.size(); ++length)
    EXPECT_FALSE(ParseJob(job.substr(0, length))) << length;
  for (size_t length = 0; length < pod.size(); ++length)
    EXPECT_FALSE(ParsePod(pod.substr(0, length))) << length;
}

json PodWith(const json& container_state) {
  json pod = json::parse(kPod);
  pod["status"]["containerStatuses"][1]["state"] = container_state;
  return pod;
}

TEST(ParseTest, ReadsHowAContainerEnded) {
  const json oom = {{"terminated",
                     {{"exitCode", 137},
                      {"reason", "OOMKilled"},
                      {"message", std::string(5000, 'm')},
                      {"startedAt", "2026-01-02T03:05:06Z"},
                      {"finishedAt", "2026-01-02T03:07:08Z"}}}};
  const PodView pod = ParsePod(PodWith(oom).dump()).value();
  EXPECT_EQ(pod.build->state, ContainerView::State::Terminated);
  EXPECT_EQ(pod.build->exit_code, 137);
  EXPECT_EQ(pod.build->reason, "OOMKilled");
  EXPECT_EQ(pod.build->message, std::string(4096, 'm')) << "bounded";
  EXPECT_EQ(pod.build->started, At("2026-01-02T03:05:06Z"));
  EXPECT_EQ(pod.build->finished, At("2026-01-02T03:07:08Z"));
}

TEST(ParseTest, ReadsWhyAContainerWaits) {
  const json waiting = {{"waiting", {{"reason", "ImagePullBackOff"}, {"message", "Back-off pulling image"}}}};
  const PodView pod = ParsePod(PodWith(waiting).dump()).value();
  EXPECT_EQ(pod.build->state, ContainerView::State::Waiting);
  EXPECT_EQ(pod.build->reason, "ImagePullBackOff");
}

TEST(ParseTest, ReadsADisruption) {
  json pod = json::parse(kPod);
  pod["status"]["conditions"][0] = {
      {"type", "DisruptionTarget"}, {"status", "True"}, {"reason", "TerminationByKubelet"}};
  pod["status"]["reason"] = "Evicted";
  pod["metadata"]["deletionTimestamp"] = "2026-01-02T03:06:07Z";
  EXPECT_EQ(ParsePod(pod.dump())->disruption, "TerminationByKubelet");
  EXPECT_EQ(ParsePod(Reversed(ordered_json::parse(pod.dump())).dump())->disruption, "TerminationByKubelet");
  EXPECT_TRUE(ParsePod(pod.dump())->deleting);
  EXPECT_EQ(ParsePod(pod.dump())->deletion, *ParseTime("2026-01-02T03:06:07Z"));
  pod["status"].erase("conditions");
  pod["status"]["message"] = "too much";
  EXPECT_EQ(ParsePod(pod.dump())->disruption, "");
  EXPECT_EQ(ParsePod(pod.dump())->failure, "Evicted");
  EXPECT_EQ(ParsePod(pod.dump())->failure_message, "too much");
}

TEST(ParseTest, ReadsWhatAPodWaitsFor) {
  json pod = json::parse(kPod);
  json& status = pod["status"];
  EXPECT_EQ(ParsePod(pod.dump())->waiting.reason, "");
  EXPECT_EQ(ParsePod(pod.dump())->step_done, *ParseTime("2026-01-02T03:04:05Z"));

  const auto waiting = [](const char* name, const char* reason) {
    return json{
        {"name", name}, {"ready", false}, {"state", {{"waiting", {{"reason", reason}, {"message", "m"}}}}}};
  };
  status["containerStatuses"] = {waiting("proxy", "ErrImagePull"), waiting("build", "PodInitializing")};
  EXPECT_EQ(ParsePod(pod.dump())->waiting.reason, "") << "the build does not wait for others";
  status["containerStatuses"][1] = waiting("build", "ImagePullBackOff");
  EXPECT_EQ(ParsePod(pod.dump())->waiting.container, "build");
  status["initContainerStatuses"] = {waiting("imagebatch-runner", "ErrImageNeverPull")};
  for (const std::string& text : {pod.dump(), Reversed(ordered_json::parse(pod.dump())).dump()}) {
    EXPECT_EQ(ParsePod(text)->waiting.container, "imagebatch-runner");
    EXPECT_EQ(ParsePod(text)->waiting.reason, "ErrImageNeverPull");
    EXPECT_EQ(ParsePod(text)->waiting.message, "m");
  }
  status["initContainerStatuses"] = {
      {{"name", "a"}, {"state", {{"terminated", {{"finishedAt", "2026-01-02T03:05:00Z"}}}}}},
      {{"name", "b"}, {"state", {{"running", {{"startedAt", "2026-01-02T03:05:01Z"}}}}}}};
  ASSERT_EQ(ParsePod(pod.dump())->others.size(), 2u) << "an init container that has ended well tells nothing";
  EXPECT_EQ(ParsePod(pod.dump())->others[0].name, "b");
  EXPECT_EQ(ParsePod(pod.dump())->others[0].role, ContainerView::Role::Init);
  EXPECT_EQ(ParsePod(pod.dump())->step_done, *ParseTime("2026-01-02T03:05:00Z"));

  status = {
      {"conditions",
       {{{"type", "PodScheduled"}, {"status", "False"}, {"reason", "Unschedulable"}, {"message", "0/1"}}}}};
  EXPECT_EQ(ParsePod(pod.dump())->waiting.container, "");
  EXPECT_EQ(ParsePod(pod.dump())->waiting.reason, "Unschedulable");
  EXPECT_EQ(ParsePod(pod.dump())->waiting.message, "0/1");
}

TEST(ParseTest, ReadsWhetherAJobIsHeldByAQueue) {
  json job = json::parse(kJob);
  EXPECT_FALSE(ParseJob(job.dump())->suspended);
  EXPECT_EQ(ParseJob(job.dump())->started, *ParseTime("2026-01-02T03:04:06Z"));
  job["spec"]["suspend"] = true;
  EXPECT_TRUE(ParseJob(job.dump())->suspended);
}

TEST(ParseTest, WithoutTheAnnotationNoContainerIsTheBuild) {
  json pod = json::parse(kPod);
  pod["metadata"].erase("annotations");
  EXPECT_FALSE(ParsePod(pod.dump())->build);
}

TEST(ParseTest, ReadsTheMarkerOfTheBuildsContainerAlone) {
  const auto pod = [](const char* container, const char* annotations) {
    return ParsePod(std::string(R"({"metadata": {"name": "p", "resourceVersion": "1", "annotations": {)") +
                    annotations + R"("kubectl.kubernetes.io/default-container": ")" + container + R"("}},
      "spec": {"containers": [
        {"name": "proxy", "env": [{"name": "IMAGEBATCH_MARKER", "value": "forged"}]},
        {"env": [{"name": "A", "value": "a"}, {"name": "IMAGEBATCH_MARKER", "value": "m1"}], "name": "build"},
        {"name": "bare"}]}})")
        .value();
  };
  EXPECT_EQ(pod("build", "").marker, "m1");
  EXPECT_EQ(pod("bare", "").marker, "");
  EXPECT_TRUE(pod("build", "").runner);
  EXPECT_FALSE(pod("build", R"("imagebatch.dev/runner": "none", )").runner);
}

TEST(ParseTest, ReadsAListOfPods) {
  const json pod = json::parse(kPod);
  const json list = {{"kind", "PodList"}, {"metadata", {{"resourceVersion", "9"}}}, {"items", {pod, pod}}};
  const auto pods = ParsePodList(list.dump());
  ASSERT_TRUE(pods);
  ASSERT_EQ(pods->size(), 2u);
  ExpectThePod(pods->at(1));
  EXPECT_TRUE(ParsePodList(R"({"items": []})")->empty());
  EXPECT_FALSE(ParsePodList(R"({"kind": "Status", "code": 500})"));
  EXPECT_FALSE(ParsePodList(list.dump().substr(0, 800)));
}

TEST(ParseTest, VersionsAreWholeNumbers) {
  EXPECT_EQ(ParseVersion("18446744073709551615"), UINT64_MAX);
  for (const char* none : {"", "x", "1x", "-1", "18446744073709551616"})
    EXPECT_EQ(ParseVersion(none), 0u) << none;
}

TEST(ParsePodListTest, ALargeListLeavesNothingBehind) {
  const ordered_json pod = ordered_json::parse(kPod);
  ordered_json list = {{"items", ordered_json::array()}};
  while (list["items"].size() < 1000) list["items"].push_back(pod);
  const std::string text = list.dump();
  ASSERT_GT(text.size(), size_t{1} << 20);
  const size_t before = HeldBytes();
  const size_t parsed = ParsePodList(text)->size();
  EXPECT_EQ(parsed, 1000u);
  EXPECT_LT(HeldBytes(), before + (size_t{64} << 10)) << "a parser keeps several times the size of its text";
}

}  // namespace
}  // namespace imagebatch::cluster
