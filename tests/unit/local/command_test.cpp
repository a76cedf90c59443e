#include "local/command.h"

#include <gmock/gmock.h>

#include "cluster/objects/builds.h"
#include "unit/local/support.h"

namespace imagebatch::local {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

Command CommandIn(const std::string& pod, const std::string& row = "{name: one}",
                  const std::string& more = "") {
  const batch::Batch batch = BatchOf(OneStage(row, pod, more));
  const cluster::Builds builds(batch, ExpansionOf(batch));
  return CommandOf(nlohmann::json::parse(builds.Job({0, 2}, {}, "secret")), "the-uid", "secret");
}

TEST(CommandTest, IsCommandAndArgsWithTheRowsValuesAsTheyAre) {
  const Command command = CommandIn(
      "{containers: [{name: build, command: [make, $(x)], args: [--to=$(image), '$$(HOME)', '$(GONE'], "
      "workingDir: /src}], terminationGracePeriodSeconds: 7}",
      "{name: one, x: 'a $(name) $$ b'}");
  EXPECT_THAT(command.words, ElementsAre("make", "a $(name) $$ b", "--to=r/x:one", "$(HOME)", "$(GONE"));
  EXPECT_EQ(command.directory, "/src");
  EXPECT_EQ(command.grace_seconds, 7);
}

TEST(CommandTest, ReplacesVariablesAsTheKubeletDoes) {
  const Command command = CommandIn(
      "{containers: [{name: build, command: [make, $(A), $(B), $(C)], env: [{name: A, value: one}, "
      "{name: B, value: 'of $(A) and $$(A)'}, {name: C, value: '$(D)'}, {name: D, value: x}]}]}",
      "{name: one}", "  variables: {D: row}\n");
  EXPECT_THAT(command.env, Contains(Pair("B", "of one and $(A)")));
  EXPECT_THAT(command.env, Contains(Pair("C", "row"))) << "D comes later, so that it is ours";
  EXPECT_THAT(command.words, ElementsAre("make", "one", "of one and $(A)", "row"));
}

TEST(CommandTest, KnowsWhatTheDownwardApiSaysOfMetadata) {
  const auto from = [](const std::string& path) {
    return "{name: V, valueFrom: {fieldRef: {fieldPath: \"" + path + "\"}}}";
  };
  const auto value = [&](const std::string& path) {
    const Command command =
        CommandIn("{containers: [{name: build, command: [make], env: [" + from(path) + "]}]}");
    for (const auto& [name, text] : command.env)
      if (name == "V") return text;
    return std::string("none");
  };
  EXPECT_EQ(value("metadata.uid"), "the-uid");
  EXPECT_EQ(value("metadata.namespace"), "default");
  EXPECT_EQ(value("metadata.labels['team']"), "a");
  EXPECT_EQ(value("metadata.labels['imagebatch.dev/attempt']"), "2");
  EXPECT_EQ(value("metadata.annotations['imagebatch.dev/image']"), "r/x:one");
  EXPECT_EQ(value("metadata.labels['absent']"), "");
  EXPECT_TRUE(value("metadata.name").starts_with("b-")) << value("metadata.name");
}

TEST(CommandTest, IsWatchedAsInAPod) {
  const Command command = CommandIn(
      "{containers: [{name: build, command: [make, --]}], terminationGracePeriodSeconds: 30}", "{name: one}",
      "  hang: {idleSeconds: 9, action: Retry, expect: [{pattern: 'a$', withinSeconds: 5}]}\n");
  EXPECT_THAT(command.runner_flags,
              ElementsAre("--deadlock-after", "30s", "--idle-after", "9s", "--silent-after", "1800s",
                          "--expect", "5s,5s=a$", "--grace", "28s", "--on-hang", "fail"));
  EXPECT_THAT(command.words, ElementsAre("make", "--"));
  EXPECT_THAT(Words(command, {"/bin/runner", "/s", "/r"}), Contains("/bin/runner"));
}

TEST(CommandTest, WithoutARunnerNothingIsAHang) {
  const batch::Batch batch = BatchOf(
      "  images: {rows: [{name: one}]}\n  stages:\n  - {name: image, image: 'r/x:1', template: {metadata: "
      "{annotations: "
      "{imagebatch.dev/runner: none}}, spec: {containers: [{name: build, command: [make]}]}}}\n");
  const cluster::Builds builds(batch, ExpansionOf(batch));
  const Command command = CommandOf(nlohmann::json::parse(builds.Job({0, 1}, {}, "secret")), "u", "m");
  EXPECT_THAT(command.words, ElementsAre("make"));
  EXPECT_THAT(command.runner_flags,
              ElementsAre("--deadlock-after", "0", "--idle-after", "0", "--silent-after", "0"));
}

TEST(CommandTest, ItsVariablesTakeThePlaceOfInheritedOnes) {
  const Command command = CommandIn(
      "{containers: [{name: build, command: [make], env: [{name: HOME, value: /a}, {name: HOME, value: "
      "/b}]}]}");
  const auto all = Environment({"PATH=/bin", "HOME=/root", "HOMELESS=1"}, command);
  EXPECT_THAT(all, ElementsAre("PATH=/bin", "HOMELESS=1", "HOME=/b", "IMAGEBATCH_MARKER=secret"));
}

}  // namespace
}  // namespace imagebatch::local
