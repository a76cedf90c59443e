#include "cluster/objects/job_object.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "cluster/objects/names.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

batch::Batch Batch() {
  batch::Batch batch;
  batch.ns = "builds";
  batch.name = "verified.v1";
  batch.uid = "b47c";
  batch.hang.idle_seconds = 240;
  return batch;
}

batch::Stage Stage() {
  batch::Stage stage;
  stage.name = "image";
  return stage;
}

batch::Build Build() {
  batch::Build build;
  build.key = "django-1";
  build.image = "r.example/eval:django-1";
  return build;
}

const JobSpec kSpec{"abcdefghij", "django-1", 2, {"r.example/imagebatch:1"}, "0123456789abcdef"};

json Template() {
  return json::parse(R"json({
    "metadata": {"labels": {"kueue.x-k8s.io/queue-name": "q"}, "annotations": {"team": "evals"}},
    "spec": {"containers": [{"name": "build", "image": "builder:1", "command": ["build", "--push"], "args": ["a"]}]}})json");
}

json Object(json pod_template, const batch::Batch& batch = Batch()) {
  return JobObject(batch, Stage(), Build(), kSpec, std::move(pod_template));
}

TEST(JobObjectTest, AWholeJob) {
  const json golden = json::parse(R"json({
    "apiVersion": "batch/v1", "kind": "Job",
    "metadata": {
      "name": "verified-v1-abcdefghij-2", "namespace": "builds",
      "labels": {"imagebatch.dev/batch-uid": "b47c", "imagebatch.dev/batch": "verified.v1", "imagebatch.dev/stage": "image",
                 "imagebatch.dev/build": "abcdefghij", "imagebatch.dev/attempt": "2", "imagebatch.dev/name": "django-1", "kueue.x-k8s.io/queue-name": "q"},
      "annotations": {"imagebatch.dev/name": "django-1", "imagebatch.dev/image": "r.example/eval:django-1",
                      "team": "evals"},
      "ownerReferences": [{"apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatch", "name": "verified.v1",
                           "uid": "b47c", "controller": true, "blockOwnerDeletion": true}]},
    "spec": {
      "completions": 1, "parallelism": 1, "backoffLimit": 0, "podReplacementPolicy": "Failed",
      "template": {
        "metadata": {
          "labels": {"imagebatch.dev/batch-uid": "b47c", "imagebatch.dev/batch": "verified.v1",
                     "imagebatch.dev/stage": "image", "imagebatch.dev/build": "abcdefghij", "imagebatch.dev/attempt": "2", "imagebatch.dev/name": "django-1",
                     "kueue.x-k8s.io/queue-name": "q"},
          "annotations": {"imagebatch.dev/name": "django-1", "imagebatch.dev/image": "r.example/eval:django-1",
                          "team": "evals", "kubectl.kubernetes.io/default-container": "build"}},
        "spec": {
          "restartPolicy": "Never", "automountServiceAccountToken": false,
          "volumes": [{"name": "imagebatch-runner", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}],
          "initContainers": [{
            "name": "imagebatch-runner", "image": "r.example/imagebatch:1",
            "command": ["/usr/bin/imagebatch-runner", "install", "/imagebatch/imagebatch-runner"],
            "volumeMounts": [{"name": "imagebatch-runner", "mountPath": "/imagebatch"}],
            "resources": {},
            "securityContext": {"runAsNonRoot": true,
                                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                                "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}}],
          "containers": [{
            "name": "build", "image": "builder:1", "args": ["a"],
            "command": ["/imagebatch/imagebatch-runner", "--listen", ":9911", "--state", "/imagebatch/state.json",
                        "--result", "/dev/termination-log", "--result-bytes", "4096", "--deadlock-after", "30s",
                        "--idle-after", "240s", "--silent-after", "1800s", "--on-hang", "flag", "--",
                        "build", "--push"],
            "env": [{"name": "IMAGEBATCH_MARKER", "value": "0123456789abcdef"}],
            "volumeMounts": [{"name": "imagebatch-runner", "mountPath": "/imagebatch"}],
            "readinessProbe": {"httpGet": {"path": "/progress", "port": 9911}, "periodSeconds": 5, "timeoutSeconds": 3,
                               "failureThreshold": 1}}]}}}})json");
  const json job = Object(Template());
  EXPECT_EQ(job, golden) << json::diff(golden, job).dump(2);
}

TEST(JobObjectTest, LabelsOfOursWinOverTheTemplates) {
  json pod_template = Template();
  pod_template["metadata"]["labels"][std::string(kBatchUidLabel)] = "forged";
  pod_template["metadata"]["annotations"][std::string(kContainerAnnotation)] = "other";
  const json job = Object(pod_template);
  EXPECT_EQ(job["metadata"]["labels"][std::string(kBatchUidLabel)], "b47c");
  EXPECT_EQ(job["spec"]["template"]["metadata"]["labels"][std::string(kBatchUidLabel)], "b47c");
  EXPECT_EQ(job["spec"]["template"]["metadata"]["annotations"][std::string(kContainerAnnotation)], "build");
}

TEST(JobObjectTest, ATemplateWithoutMetadataWillDo) {
  json pod_template = Template();
  pod_template.erase("metadata");
  EXPECT_EQ(Object(pod_template)["metadata"]["labels"].size(), 6u);
}

TEST(JobObjectTest, WhatTheTemplateHasStaysBeforeAndBesideWhatIsAdded) {
  json pod_template = Template();
  json& pod = pod_template["spec"];
  pod["volumes"] = {{{"name", "cache"}, {"emptyDir", json::object()}}};
  pod["initContainers"] = {{{"name", "first"}}, {{"name", "second"}}};
  pod["containers"][0]["volumeMounts"] = {{{"name", "cache"}, {"mountPath", "/cache"}}};
  pod["tolerations"] = {{{"operator", "Exists"}}};
  const json made = Object(pod_template)["spec"]["template"]["spec"];
  EXPECT_EQ(made["volumes"][0]["name"], "cache");
  EXPECT_EQ(made["volumes"][1]["name"], "imagebatch-runner");
  EXPECT_EQ(made["initContainers"][0]["name"], "imagebatch-runner");
  EXPECT_EQ(made["initContainers"][1]["name"], "first");
  EXPECT_EQ(made["initContainers"][2]["name"], "second");
  EXPECT_EQ(made["containers"][0]["volumeMounts"].size(), 2u);
  EXPECT_EQ(made["tolerations"], pod["tolerations"]);
}

TEST(JobObjectTest, TheBuildsOwnProbeAndTerminationMessageAreReplaced) {
  json pod_template = Template();
  json& container = pod_template["spec"]["containers"][0];
  container["readinessProbe"] = {{"exec", {{"command", {"true"}}}}, {"initialDelaySeconds", 60}};
  container["livenessProbe"] = {{"exec", {{"command", {"true"}}}}};
  container["terminationMessagePath"] = "/tmp/message";
  container["terminationMessagePolicy"] = "FallbackToLogsOnError";
  const json made = Object(pod_template)["spec"]["template"]["spec"]["containers"][0];
  EXPECT_FALSE(made["readinessProbe"].contains("exec"));
  EXPECT_FALSE(made["readinessProbe"].contains("initialDelaySeconds"));
  EXPECT_TRUE(made.contains("livenessProbe"));
  EXPECT_FALSE(made.contains("terminationMessagePath"));
  EXPECT_FALSE(made.contains("terminationMessagePolicy"));
}

TEST(JobObjectTest, OfSeveralContainersTheOneCalledBuildIsSupervised) {
  json pod_template = Template();
  const json proxy = {{"name", "proxy"}, {"image", "p"}, {"readinessProbe", {{"tcpSocket", {{"port", 1}}}}}};
  json& containers = pod_template["spec"]["containers"];
  containers.insert(containers.begin(), proxy);
  const json pod = Object(pod_template)["spec"]["template"];
  EXPECT_EQ(pod["spec"]["containers"][0], proxy);
  EXPECT_EQ(pod["spec"]["containers"][1]["command"][0], "/imagebatch/imagebatch-runner");
  EXPECT_EQ(pod["metadata"]["annotations"][std::string(kContainerAnnotation)], "build");
}

json PodOf(json pod_template, RunnerSource runner = {"r.example/imagebatch:1"}) {
  JobSpec spec = kSpec;
  spec.runner = std::move(runner);
  return JobObject(Batch(), Stage(), Build(), spec, std::move(pod_template))["spec"]["template"]["spec"];
}

std::string Option(const json& pod, const std::string& option) {
  const auto command = pod["containers"][0]["command"].get<std::vector<std::string>>();
  const auto found = std::find(command.begin(), command.end(), option);
  return found == command.end() ? "" : *std::next(found);
}

TEST(JobObjectTest, TheRunnersAccountFitsTheShareOfItsContainer) {
  // kubelet: 12 KiB for all containers of the Pod; ours brings one more, and a debugger may come
  for (const auto& [inits, containers, bytes] : {std::tuple{0, 1, "4096"},
                                                 {1, 1, "3072"},
                                                 {0, 2, "3072"},
                                                 {1, 2, "2457"},
                                                 {0, 12, "877"},
                                                 {9, 32, "512"}}) {
    json pod_template = Template();
    json& pod = pod_template["spec"];
    for (int i = 0; i < inits; ++i) pod["initContainers"].push_back({{"name", "i" + std::to_string(i)}});
    pod["containers"][0]["name"] = "build";
    for (int i = 1; i < containers; ++i) pod["containers"].push_back({{"name", "c" + std::to_string(i)}});
    EXPECT_EQ(Option(PodOf(pod_template), "--result-bytes"), bytes) << inits << " and " << containers;
  }
}

TEST(JobObjectTest, ABuildHasTheGraceOfItsPod) {
  EXPECT_EQ(Option(PodOf(Template()), "--grace"), "") << "the runner's own";
  json pod_template = Template();
  for (const auto& [seconds, grace] : {std::pair{60, "58s"}, {3, "1s"}, {1, "0s"}, {0, "0s"}}) {
    pod_template["spec"]["terminationGracePeriodSeconds"] = seconds;
    EXPECT_EQ(Option(PodOf(pod_template), "--grace"), grace);
  }
}

TEST(JobObjectTest, TheRunnersInitContainerAsksForWhatTheBuildAsksFor) {
  const json amounts = {{"cpu", "2"}, {"memory", "1Gi"}, {"ephemeral-storage", "5Gi"}};
  json pod_template = Template();
  json& container = pod_template["spec"]["containers"][0];
  container["resources"] = {{"requests", amounts}, {"limits", amounts}, {"claims", {{{"name", "gpu"}}}}};
  container["resources"]["limits"]["example.com/gpu"] = 1;
  const json same = {{"requests", amounts}, {"limits", amounts}};
  EXPECT_EQ(PodOf(pod_template)["initContainers"][0]["resources"], same);
  container["resources"] = {{"limits", {{"memory", "1Gi"}}}};
  EXPECT_EQ(PodOf(pod_template)["initContainers"][0]["resources"], container["resources"]);
  container.erase("resources");
  EXPECT_EQ(PodOf(pod_template)["initContainers"][0]["resources"], json::object());
}

TEST(JobObjectTest, OfSeveralContainersTheBuildsResourcesCount) {
  json pod_template = Template();
  json& containers = pod_template["spec"]["containers"];
  const json proxy = {{"name", "proxy"}, {"resources", {{"limits", {{"cpu", "9"}}}}}};
  containers[0]["resources"] = {{"limits", {{"cpu", "1"}}}};
  containers.insert(containers.begin(), proxy);
  EXPECT_EQ(PodOf(pod_template)["initContainers"][0]["resources"], json({{"limits", {{"cpu", "1"}}}}));
}

TEST(JobObjectTest, TheRunnersInitContainerCanBeSet) {
  const json resources = {{"limits", {{"cpu", "10m"}, {"memory", "32Mi"}}}};
  json pod_template = Template();
  pod_template["spec"]["containers"][0]["resources"] = {{"limits", {{"cpu", "8"}}}};
  const json init = PodOf(
      pod_template,
      {"r:1", "Always", resources, {{"runAsUser", 7}, {"seccompProfile", nullptr}}})["initContainers"][0];
  EXPECT_EQ(init["image"], "r:1");
  EXPECT_EQ(init["imagePullPolicy"], "Always");
  EXPECT_EQ(init["resources"], resources);
  EXPECT_EQ(init["securityContext"]["runAsUser"], 7);
  EXPECT_FALSE(init["securityContext"].contains("seccompProfile"));
  EXPECT_EQ(init["securityContext"]["runAsNonRoot"], true) << "the rest stays";
}

TEST(JobObjectTest, TheRunnersInitContainerNamesAUserOnlyWhereThePodIsRoots) {
  json pod_template = Template();
  json& context = pod_template["spec"]["securityContext"];
  const auto made = [&] { return PodOf(pod_template)["initContainers"][0]["securityContext"]; };
  context = {{"runAsUser", 1000650000}};
  EXPECT_FALSE(made().contains("runAsUser"));
  context = {{"runAsUser", 0}};
  EXPECT_EQ(made()["runAsUser"], 65532);
  EXPECT_EQ(made()["runAsGroup"], 65532);
  pod_template["spec"].erase("securityContext");
  pod_template["spec"]["containers"][0]["securityContext"] = {{"runAsUser", 0}};
  EXPECT_FALSE(made().contains("runAsUser")) << "that is the build's own";
}

TEST(JobObjectTest, InTheNodesNetworkTheRunnerTakesNoPort) {
  json pod_template = Template();
  pod_template["spec"]["hostNetwork"] = true;
  const json pod = PodOf(pod_template);
  EXPECT_EQ(Option(pod, "--listen"), "");
  EXPECT_EQ(pod["containers"][0]["readinessProbe"],
            json::parse(R"({"exec": {"command": ["/imagebatch/imagebatch-runner", "probe", "--state",
                                                 "/imagebatch/state.json"]},
                            "periodSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 1})"));
  pod_template["spec"]["hostNetwork"] = false;
  EXPECT_EQ(Option(PodOf(pod_template), "--listen"), ":9911");
}

TEST(JobObjectTest, TheTemplatesOwnMarkerIsReplaced) {
  json pod_template = Template();
  pod_template["spec"]["containers"][0]["env"] = {{{"name", "IMAGEBATCH_MARKER"}, {"value", "known"}},
                                                  {{"name", "A"}, {"value", "b"}}};
  const json made = Object(pod_template)["spec"]["template"]["spec"]["containers"][0];
  EXPECT_EQ(made["env"], json({{{"name", "A"}, {"value", "b"}},
                               {{"name", "IMAGEBATCH_MARKER"}, {"value", "0123456789abcdef"}}}));
}

TEST(JobObjectTest, ATemplateThatOptsOutGetsNothingOfTheRunner) {
  json pod_template = Template();
  pod_template["metadata"]["annotations"]["imagebatch.dev/runner"] = "none";
  json& container = pod_template["spec"]["containers"][0];
  container.erase("command");
  container["readinessProbe"] = {{"tcpSocket", {{"port", 1}}}};
  container["terminationMessagePolicy"] = "FallbackToLogsOnError";
  const json expected = pod_template["spec"]["containers"];
  const json pod = Object(pod_template)["spec"]["template"];
  EXPECT_EQ(pod["spec"]["containers"], expected);
  EXPECT_FALSE(pod["spec"].contains("initContainers"));
  EXPECT_FALSE(pod["spec"].contains("volumes"));
  EXPECT_EQ(pod["metadata"]["annotations"]["imagebatch.dev/runner"], "none");
  EXPECT_EQ(pod["metadata"]["annotations"][std::string(kContainerAnnotation)], "build");
  EXPECT_EQ(pod["spec"]["restartPolicy"], "Never");
}

TEST(JobObjectTest, TheOnlyContainerMayHaveAnyName) {
  json pod_template = Template();
  pod_template["spec"]["containers"][0]["name"] = "kaniko";
  const json pod = Object(pod_template)["spec"]["template"];
  EXPECT_EQ(pod["metadata"]["annotations"][std::string(kContainerAnnotation)], "kaniko");
  EXPECT_EQ(pod["spec"]["containers"][0]["command"][0], "/imagebatch/imagebatch-runner");
}

TEST(JobObjectTest, ATokenIsMountedOnlyWhereTheTemplateSaysSo) {
  json pod_template = Template();
  pod_template["spec"]["automountServiceAccountToken"] = true;
  EXPECT_EQ(Object(pod_template)["spec"]["template"]["spec"]["automountServiceAccountToken"], true);
}

TEST(JobObjectTest, TheHangPolicyBecomesTheRunnersArguments) {
  batch::Batch batch = Batch();
  batch.hang.idle_seconds = 0;
  batch.hang.deadline_seconds = 3600;
  for (const auto action : {batch::HangAction::Retry, batch::HangAction::Fail}) {
    batch.hang.action = action;
    const json command = Object(Template(), batch)["spec"]["template"]["spec"]["containers"][0]["command"];
    EXPECT_EQ(command, json::parse(R"(["/imagebatch/imagebatch-runner", "--listen", ":9911",
      "--state", "/imagebatch/state.json", "--result", "/dev/termination-log", "--result-bytes", "4096",
      "--deadlock-after", "30s", "--idle-after", "0s", "--silent-after", "1800s", "--deadline", "3600s",
      "--on-hang", "fail", "--", "build", "--push"])"));
  }
}

TEST(JobObjectTest, AStagesOwnHangPolicyWins) {
  batch::Stage stage = Stage();
  stage.hang.idle_seconds = 7;
  stage.hang.action = batch::HangAction::Fail;
  const json job = JobObject(Batch(), stage, Build(), kSpec, Template());
  const auto command =
      job["spec"]["template"]["spec"]["containers"][0]["command"].get<std::vector<std::string>>();
  const auto value = [&](const std::string& option) {
    return *std::next(std::find(command.begin(), command.end(), option));
  };
  EXPECT_EQ(value("--idle-after"), "7s");
  EXPECT_EQ(value("--silent-after"), "1800s");
  EXPECT_EQ(value("--on-hang"), "fail");
}

}  // namespace
}  // namespace imagebatch::cluster
