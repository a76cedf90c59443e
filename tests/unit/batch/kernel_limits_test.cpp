#include <gmock/gmock.h>

#include <string>

#include "batch/stage_uses.h"
#include "support.h"

namespace imagebatch::batch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Batch WithContainer(const nlohmann::json& container, const nlohmann::json& metadata = nullptr) {
  Batch batch;
  batch.stages = {MakeStage("image", "$(name)", "r/i:$(name)")};
  nlohmann::json& pod_template = batch.stages[0].pod_template;
  pod_template["spec"]["containers"][0].update(container);
  if (!metadata.is_null()) pod_template["metadata"] = metadata;
  return batch;
}

std::vector<std::string> ProblemsOf(const Batch& batch, size_t bytes) {
  return ExpandProblems(
      batch, MakeRows({{{"name", "ok"}, {"x", "v"}}, {{"name", "long"}, {"x", std::string(bytes, 'v')}}}));
}

// A container whose argument or variable is longer is never started: E2BIG from 131,072 bytes on,
// without the NUL at the end.
TEST(KernelLimits, ALongArgumentIsRefusedWithItsRow) {
  const Batch batch = WithContainer({{"args", {"-x", "a=$(x)"}}});
  EXPECT_THAT(ProblemsOf(batch, kMaxArgument - 2), IsEmpty());
  EXPECT_THAT(
      ProblemsOf(batch, kMaxArgument - 1),
      ElementsAre("spec.stages[0].template.spec.containers[0].args[1]: row \"long\" (spec.images.rows[1]): "
                  "this argument or environment variable would have 131072 bytes, at most 131071"));
}

TEST(KernelLimits, AVariableOfTheEnvironmentCountsWithItsName) {
  const Batch batch = WithContainer({{"env", {{{"name", "PATCH"}, {"value", "$(x)"}}}}});
  EXPECT_THAT(ProblemsOf(batch, kMaxArgument - 6), IsEmpty());
  EXPECT_THAT(ProblemsOf(batch, kMaxArgument - 5),
              ElementsAre(HasSubstr(
                  "containers[0].env[0].value: row \"long\" (spec.images.rows[1]): this argument")));
}

TEST(KernelLimits, ALongTextThatIsTheSameForAllIsRefusedToo) {
  EXPECT_THAT(ProblemsOf(WithContainer({{"args", {std::string(kMaxArgument, 'a')}}}), 1), IsEmpty());
  EXPECT_THAT(ProblemsOf(WithContainer({{"args", {std::string(kMaxArgument + 1, 'a')}}}), 1),
              ElementsAre(HasSubstr("args[0]: row \"ok\""), HasSubstr("args[0]: row \"long\"")));
}

TEST(KernelLimits, OtherTextsAreBoundedByTheSizeOfAnObject) {
  const Batch batch =
      WithContainer(nlohmann::json::object(), {{"annotations", {{"a", "$(x)"}, {"b", "$(x)"}}}});
  EXPECT_THAT(ProblemsOf(batch, kMaxTemplateText / 2 - 100), IsEmpty());
  EXPECT_THAT(ProblemsOf(batch, kMaxTemplateText / 2 + 1),
              ElementsAre(HasSubstr(
                  "spec.stages[0].template: row \"long\" (spec.images.rows[1]): the text of its Pod "
                  "would have 10")));
}

TEST(KernelLimits, ANulByteIsRefusedWhereItIsUsed) {
  const std::string nul("a\0b", 3);
  const RowMaps rows = {{{"name", "n"}, {"x", nul}, {"unused", nul}}};
  EXPECT_THAT(
      ExpandProblems(WithContainer({{"args", {"$(x)"}}}), MakeRows(rows)),
      ElementsAre("spec.images.rows[0]: column \"x\" holds a NUL byte, which no argument or environment "
                  "variable can have; spec.stages[0].template.spec.containers[0].args[0] uses it"));
  EXPECT_THAT(ExpandProblems(WithContainer(nlohmann::json::object()), MakeRows(rows)), IsEmpty());

  nlohmann::json object = ValidObject();
  object["spec"]["variables"]["v"] = nul;
  object["spec"]["stages"][0]["template"]["spec"]["containers"][0]["args"] = {nul};
  EXPECT_THAT(
      ReadProblems(object),
      ElementsAre(
          "spec.variables.v: holds a NUL byte, which no argument or environment variable can have",
          "spec.stages[0].template.spec.containers[0].args[0]: holds a NUL byte, which no argument or "
          "environment variable can have"));
}

TEST(ReadStored, TellsWhatIsNestedTooDeep) {
  nlohmann::json object = ValidObject();
  EXPECT_EQ(ReadStored(object.dump()), object);
  std::string text = object.dump();
  const std::string deep = "{\"x\":" + std::string(9000, '[') + std::string(9000, ']') + ",";
  text.replace(text.find("\"template\":{") + 11, 1, deep);
  const auto stored = ReadStored(text);
  ASSERT_TRUE(stored);
  EXPECT_EQ((*stored)["metadata"]["name"], "b");
  EXPECT_THAT(ReadProblems(*stored), ElementsAre("spec: is nested deeper than 128 levels"));
  EXPECT_FALSE(ReadStored("[]"));
  EXPECT_FALSE(ReadStored("{\"metadata\": "));
}

}  // namespace
}  // namespace imagebatch::batch
