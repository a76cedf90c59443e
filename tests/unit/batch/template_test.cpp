#include <gtest/gtest.h>

#include <string>

#include "batch/pod_template.h"
#include "batch/template_strings.h"
#include "support.h"

namespace imagebatch::batch {
namespace {

using nlohmann::json;

struct Case {
  const char* name;
  const char* text;
  std::vector<std::string> problems;
};

class Template : public testing::TestWithParam<Case> {};

TEST_P(Template, IsChecked) {
  Problems problems("t");
  CheckPodTemplate(json::parse(GetParam().text), "t", problems);
  EXPECT_EQ(Lines(problems.Take()), GetParam().problems);
}

const std::string kNoCommand =
    "is required, as an array of strings: the runner is put in front of it and cannot know the image's own "
    "entrypoint";

INSTANTIATE_TEST_SUITE_P(
    Templates, Template,
    testing::Values(
        Case{"One",
             R"({"spec": {"containers": [{"name": "x", "command": ["c"]}], "restartPolicy": "Never"}})",
             {}},
        Case{"BuildAndSidecar",
             R"({"spec": {"containers": [{"name": "a"}, {"name": "build", "command": ["c"]}]}})",
             {}},
        Case{"NotAnObject", R"([])", {"t: must be an object"}},
        Case{"NoSpec", R"({})", {"t.spec: is required, as an object"}},
        Case{"NoContainers", R"({"spec": {}})", {"t.spec.containers: needs at least one container"}},
        Case{"EmptyContainers",
             R"({"spec": {"containers": []}})",
             {"t.spec.containers: needs at least one container"}},
        Case{"WhichOne",
             R"({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}})",
             {"t.spec.containers: has 2 containers; name the one that runs the build \"build\""}},
        Case{"NoCommand",
             R"({"spec": {"containers": [{"name": "a"}]}})",
             {"t.spec.containers[0].command: " + kNoCommand}},
        Case{"OptsOut",
             R"({"metadata": {"annotations": {"imagebatch.dev/runner": "none"}},
                 "spec": {"containers": [{"name": "a", "readinessProbe": {}, "terminationMessagePolicy": "File"}]}})",
             {}},
        Case{"OptsOutSomehow",
             R"({"metadata": {"annotations": {"imagebatch.dev/runner": "no"}},
                 "spec": {"containers": [{"name": "a", "command": ["c"]}]}})",
             {"t.metadata.annotations[imagebatch.dev/runner]: must be none or left out"}},
        Case{"PartsOfOtherTypes",
             R"({"metadata": {"labels": "x", "annotations": []},
                 "spec": {"containers": [{"name": "a", "command": ["c"], "env": {}, "volumeMounts": "x"}],
                          "volumes": {}, "initContainers": 7}})",
             {"t.metadata.labels: must be an object", "t.metadata.annotations: must be an object",
              "t.spec.initContainers: must be an array", "t.spec.volumes: must be an array",
              "t.spec.containers[0].env: must be an array",
              "t.spec.containers[0].volumeMounts: must be an array"}},
        Case{"EmptyCommand",
             R"({"spec": {"containers": [{"name": "a"}, {"name": "build", "command": []}]}})",
             {"t.spec.containers[1].command: " + kNoCommand}},
        Case{"CommandAsText",
             R"({"spec": {"containers": [{"command": "make all"}]}})",
             {"t.spec.containers[0].command: " + kNoCommand}},
        Case{"CommandOfNumbers",
             R"({"spec": {"containers": [{"command": ["make", 3]}]}})",
             {"t.spec.containers[0].command: " + kNoCommand}},
        Case{"ContainerAsText",
             R"({"spec": {"containers": ["x"]}})",
             {"t.spec.containers[0].command: " + kNoCommand}},
        Case{"RestartPolicy",
             R"({"spec": {"restartPolicy": "OnFailure", "containers": [{"command": ["c"]}]}})",
             {"t.spec.restartPolicy: must be Never or left out: an attempt is one run; retries are "
              "spec.backoffLimit"}},
        Case{
            "OurFields",
            R"({"spec": {"containers": [{"command": ["c"], "readinessProbe": {},
                                          "terminationMessagePath": "/x", "terminationMessagePolicy": "File"}]}})",
            {"t.spec.containers[0].readinessProbe: is set by the runner in the build container; leave it out",
             "t.spec.containers[0].terminationMessagePath: is set by the runner in the build container; "
             "leave it out",
             "t.spec.containers[0].terminationMessagePolicy: is set by the runner in the build container; "
             "leave it out"}},
        Case{"OurNames",
             R"({"spec": {"containers": [{"name": "build", "command": ["c"]}],
                          "initContainers": [{"name": "a"}, {"name": "imagebatch-runner"}],
                          "volumes": [{"name": "imagebatch-runner"}]}})",
             {"t.spec.initContainers[1].name: imagebatch-runner is reserved for the runner",
              "t.spec.volumes[0].name: imagebatch-runner is reserved for the runner"}}),
    [](const auto& test) { return test.param.name; });

/// The fields in which a template leaves $(V) to the kubelet.
std::vector<std::string> LeftToTheKubelet(const std::string& text, const std::string& name) {
  json value = json::parse(text);
  const KubeletVariables kubelets(value);
  std::vector<std::string> paths;
  ForEachString(value, [&](const TemplatePath& path, std::string&) {
    if (kubelets.Has(path, name)) paths.push_back(ToString(path));
  });
  return paths;
}

TEST(KubeletVariables, AreThoseOfTheSameContainerInTheFieldsThatTheKubeletExpands) {
  const std::vector<std::string> expected = {
      "spec.containers[0].args[0]", "spec.containers[0].command[0]", "spec.containers[0].env[2].value",
      "spec.containers[0].livenessProbe.exec.command[0]", "spec.containers[0].volumeMounts[0].subPathExpr"};
  EXPECT_EQ(LeftToTheKubelet(R"({
    "metadata": {"labels": {"a": "x"}},
    "spec": {
      "containers": [{"command": ["x"], "args": ["x"], "image": "x",
                      "env": [{"name": "A", "value": "x"}, {"name": "V", "valueFrom": {"fieldRef": {"fieldPath": "x"}}},
                              {"name": "B", "value": "x"}],
                      "volumeMounts": [{"mountPath": "x", "subPathExpr": "x"}],
                      "livenessProbe": {"exec": {"command": ["x"]}},
                      "lifecycle": {"preStop": {"exec": {"command": ["x"]}}}},
                     {"name": "other", "args": ["x"]}],
      "initContainers": [{"args": ["x"]}]}})",
                             "V"),
            expected);
}

TEST(KubeletVariables, HaveTheirOwnValueFromWhatStandsBefore) {
  const std::string text = R"({"spec": {"containers": [{"env": [
    {"name": "V", "value": "x"}, {"name": "W", "value": "x"}, {"name": "V", "value": "x"}]}]}})";
  EXPECT_EQ(LeftToTheKubelet(text, "V"),
            (std::vector<std::string>{"spec.containers[0].env[1].value", "spec.containers[0].env[2].value"}));
}

TEST(KubeletVariables, NeverReachTheMarker) {
  EXPECT_TRUE(
      LeftToTheKubelet(
          R"({"spec": {"containers": [{"args": ["x"], "env": [{"name": "IMAGEBATCH_MARKER", "value": ""}]}]}})",
          "IMAGEBATCH_MARKER")
          .empty());
}

TEST(KubeletVariables, AreReadFromAnything) {
  for (const char* text : {"[]", R"({"spec": 3})", R"({"spec": {"containers": {}}})",
                           R"({"spec": {"containers": [7, {"env": 7}, {"env": [7, {"name": 7}, {}]}]}})"}) {
    EXPECT_TRUE(LeftToTheKubelet(text, "V").empty()) << text;
  }
}

TEST(TemplateStrings, HavePathsAndTheKubeletsFieldsAreKnown) {
  json value = json::parse(R"({
    "metadata": {"annotations": {"a.b/c": "s"}, "labels": {"command": "s"}},
    "spec": {
      "containers": [{"command": ["k"], "args": ["k"], "image": "s", "env": [{"name": "s", "value": "k"}],
                      "volumeMounts": [{"mountPath": "s", "subPath": "s", "subPathExpr": "k"}],
                      "livenessProbe": {"exec": {"command": ["k"]}, "httpGet": {"path": "s"}},
                      "lifecycle": {"preStop": {"exec": {"command": ["s"]}}}}],
      "initContainers": [{"args": ["k"]}],
      "volumes": [{"hostPath": {"path": "s"}}]}})");
  std::vector<std::string> paths;
  ForEachString(value, [&](const TemplatePath& path, std::string& text) {
    paths.push_back(ToString(path));
    EXPECT_EQ(DollarsAt(path), text == "k" ? Dollars::Kept : Dollars::Single) << paths.back();
  });
  const std::vector<std::string> expected = {"metadata.annotations[a.b/c]",
                                             "metadata.labels.command",
                                             "spec.containers[0].args[0]",
                                             "spec.containers[0].command[0]",
                                             "spec.containers[0].env[0].name",
                                             "spec.containers[0].env[0].value",
                                             "spec.containers[0].image",
                                             "spec.containers[0].lifecycle.preStop.exec.command[0]",
                                             "spec.containers[0].livenessProbe.exec.command[0]",
                                             "spec.containers[0].livenessProbe.httpGet.path",
                                             "spec.containers[0].volumeMounts[0].mountPath",
                                             "spec.containers[0].volumeMounts[0].subPath",
                                             "spec.containers[0].volumeMounts[0].subPathExpr",
                                             "spec.initContainers[0].args[0]",
                                             "spec.volumes[0].hostPath.path"};
  EXPECT_EQ(paths, expected);
}

}  // namespace
}  // namespace imagebatch::batch
