#include "local/batch_check.h"

#include <gmock/gmock.h>

#include "unit/local/support.h"

namespace imagebatch::local {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

BatchCheck CheckSpec(const std::string& spec) { return CheckBatch(ObjectOf(spec), BatchOf(spec)); }

BatchCheck Check(const std::string& pod) { return CheckSpec(OneStage("{name: one}", pod)); }

/// The paths of what is refused, after "spec.stages[0].template.spec.".
std::vector<std::string> Refused(const std::string& pod) {
  const std::string before = "spec.stages[0].template.spec.";
  std::vector<std::string> paths;
  for (const batch::Problem& problem : Check(pod).refused) {
    EXPECT_TRUE(problem.where.starts_with(before)) << problem.where;
    EXPECT_FALSE(problem.message.empty());
    paths.push_back(problem.where.substr(before.size()));
  }
  return paths;
}

std::string Container(const std::string& fields) {
  return "{containers: [{name: build, command: [make]" + fields + "}]}";
}

TEST(BatchCheckTest, TakesWhatAProcessCanHave) {
  const BatchCheck check = Check(
      "{terminationGracePeriodSeconds: 5, restartPolicy: Never, volumes: [{name: v, emptyDir: {}}], "
      "containers: "
      "[{name: build, image: x, command: [make], args: [all], workingDir: /, imagePullPolicy: Always, tty: "
      "false, "
      "env: [{name: A, value: b}, {name: B, valueFrom: {fieldRef: {fieldPath: "
      "\"metadata.labels['x']\"}}}]}]}");
  EXPECT_THAT(check.refused, IsEmpty());
  EXPECT_THAT(check.ignored, IsEmpty());
}

TEST(BatchCheckTest, SaysWhatItIgnores) {
  const BatchCheck check = Check(
      "{nodeSelector: {a: b}, tolerations: [], securityContext: {}, containers: [{name: build, command: "
      "[make], "
      "resources: {}, securityContext: {privileged: true}}]}");
  EXPECT_THAT(check.refused, IsEmpty());
  EXPECT_THAT(check.ignored, ElementsAre("nodeSelector", "resources", "securityContext", "tolerations"));
}

TEST(BatchCheckTest, SaysInWhichStagesItIgnoresIt) {
  const BatchCheck check = CheckSpec(
      ("  images: {rows: [{name: one}]}\n  stages:\n"
       "  - {name: a, image: r/a, template: {spec: {containers: [{name: build, command: [m], "
       "resources: {}}]}}}\n"
       "  - {name: b, image: r/b, template: {spec: {containers: [{name: build, command: [m]}]}}}\n"));
  EXPECT_THAT(check.ignored, ElementsAre("resources (stage a)"));
}

TEST(BatchCheckTest, RefusesWhatTheCommandWouldSee) {
  EXPECT_THAT(
      Refused("{volumes: [{name: v, configMap: {name: c}}], containers: [{name: build, command: [m]}]}"),
      ElementsAre("volumes[0].configMap"));
  EXPECT_THAT(Refused("{initContainers: [{name: i}], containers: [{name: build, command: [m]}]}"),
              ElementsAre("initContainers"));
  EXPECT_THAT(Refused("{containers: [{name: build, command: [m]}, {name: db, image: x}]}"),
              ElementsAre("containers[1]"));
  EXPECT_THAT(
      Refused("{hostAliases: [], automountServiceAccountToken: true, containers: [{name: build, command: "
              "[m]}]}"),
      ElementsAre("hostAliases", "automountServiceAccountToken"));
  EXPECT_THAT(Refused(Container(", envFrom: [{secretRef: {name: s}}]")),
              ElementsAre("containers[0].envFrom"));
  EXPECT_THAT(Refused(Container(", volumeMounts: [{name: v, mountPath: /work}]")),
              ElementsAre("containers[0].volumeMounts[0]"));
  EXPECT_THAT(Refused(Container(", tty: true")), ElementsAre("containers[0].tty"));
  EXPECT_THAT(Refused(Container(", lifecycle: {}")), ElementsAre("containers[0].lifecycle"));
  EXPECT_THAT(Refused(Container(", env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]")),
              ElementsAre("containers[0].env[0].valueFrom.secretKeyRef"));
  EXPECT_THAT(Refused(Container(", env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]")),
              ElementsAre("containers[0].env[0].valueFrom.fieldRef"));
  EXPECT_THAT(Refused(Container(", env: [{name: A, value: 1}, {name: 'B=C', value: x}]")),
              ElementsAre("containers[0].env[0].value", "containers[0].env[1].name"));
}

TEST(BatchCheckTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(Refused("{madeUpTomorrow: 1, containers: [{name: build, command: [m]}]}"),
              ElementsAre("madeUpTomorrow"));
  EXPECT_THAT(Refused(Container(", madeUpTomorrow: 1")), ElementsAre("containers[0].madeUpTomorrow"));
}

TEST(BatchCheckTest, SaysWhatOfTheBatchItIgnores) {
  const BatchCheck check = CheckSpec(OneStage("{name: one}", "{containers: [{name: build, command: [m]}]}",
                                              "  stall: {afterSeconds: 60}\n  ttlSecondsAfterFinished: 5\n"));
  EXPECT_THAT(check.refused, IsEmpty());
  EXPECT_THAT(check.ignored, ElementsAre("stall", "ttlSecondsAfterFinished"));
}

TEST(BatchCheckTest, RefusesAFieldOfTheBatchThatItDoesNotKnow) {
  const std::string spec = OneStage("{name: one}", "{containers: [{name: build, command: [m]}]}");
  nlohmann::json object = ObjectOf(spec);
  object["spec"]["madeUpTomorrow"] = 1;
  object["spec"]["stages"][0]["another"] = 1;
  const BatchCheck check = CheckBatch(object, BatchOf(spec));
  ASSERT_EQ(check.refused.size(), 2U);
  EXPECT_EQ(check.refused[0].where, "spec.madeUpTomorrow");
  EXPECT_EQ(check.refused[1].where, "spec.stages[0].another");
}

TEST(BatchCheckTest, AsksNoRegistry) {
  const auto with = [](const std::string& existing) {
    return CheckSpec(OneStage("{name: one}", "{containers: [{name: build, command: [m]}]}",
                              "  existing: " + existing + "\n"))
        .refused;
  };
  EXPECT_THAT(with("Rebuild"), IsEmpty());
  ASSERT_EQ(with("Skip").size(), 1U);
  EXPECT_EQ(with("Skip")[0].where, "spec.existing");
}

TEST(BatchCheckTest, NeedsACommandEvenWithoutARunner) {
  const auto check =
      CheckSpec(("  images: {rows: [{name: one}]}\n  stages:\n  - {name: image, image: r/x, template: "
                 "{metadata: {annotations: "
                 "{imagebatch.dev/runner: none}}, spec: {containers: [{name: build, image: x}]}}}\n"));
  ASSERT_EQ(check.refused.size(), 1U);
  EXPECT_EQ(check.refused[0].where, "spec.stages[0].template.spec.containers[0].command");
}

}  // namespace
}  // namespace imagebatch::local
