#include "batch/expand.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support.h"

namespace imagebatch::batch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Batch TwoStages() {
  Batch batch;
  batch.stages = {MakeStage("env", "$(repo)-$(version)", "r/env/$(repo):$(version)"),
                  MakeStage("image", "$(name)", "r/eval:$(name)", {"env"}, {"$(stages.env.image)"})};
  return batch;
}

Batch OneStage(std::string key, std::string image, std::vector<std::string> args = {}) {
  Batch batch;
  batch.stages = {MakeStage("image", std::move(key), std::move(image), {}, std::move(args))};
  return batch;
}

TEST(Expand, SharesBuildsByKeyAndNeedsTheOnesOfItsRow) {
  const auto expansion = Expand(TwoStages(), MakeRows({{{"name", "a"}, {"repo", "x"}, {"version", "1"}},
                                                       {{"name", "b"}, {"repo", "x"}, {"version", "2"}},
                                                       {{"name", "c"}, {"repo", "x"}, {"version", "1"}}}));
  ASSERT_TRUE(expansion) << Lines(expansion.error())[0];
  ASSERT_EQ(expansion->builds.size(), 5U);
  const auto& builds = expansion->builds;
  EXPECT_EQ(builds[0].key, "x-1");
  EXPECT_EQ(builds[0].image, "r/env/x:1");
  EXPECT_EQ(builds[0].row, 0U);
  EXPECT_EQ(builds[1].key, "x-2");
  EXPECT_EQ(builds[1].row, 1U);
  EXPECT_EQ(builds[2].stage, 1U);
  EXPECT_THAT(expansion->needs[2], ElementsAre(0));
  EXPECT_THAT(expansion->needs[3], ElementsAre(1));
  EXPECT_THAT(expansion->needs[4], ElementsAre(0));
  EXPECT_EQ(expansion->rows.name(2), "c");
}

TEST(Expand, GivesASharedBuildTheNeedsOfAllItsRows) {
  Batch batch;
  batch.stages = {MakeStage("one", "$(name)", "r/one:$(name)"), MakeStage("all", "all", "r/all:1", {"one"})};
  const auto expansion = Expand(batch, MakeRows({{{"name", "a"}}, {{"name", "b"}}, {{"name", "c"}}}));
  ASSERT_TRUE(expansion) << Lines(expansion.error())[0];
  ASSERT_EQ(expansion->builds.size(), 4U);
  EXPECT_THAT(expansion->needs[3], ElementsAre(0, 1, 2));
}

TEST(Expand, NamesRowsFromColumnsEvenThoseCalledAsABuildsOwn) {
  Batch batch = OneStage("$(row.key)", "r/$(row.name):$(name)-$(v)");
  batch.images.name_from = "$(image)-$(name)";
  batch.variables = {{"v", "1"}};
  const auto expansion = Expand(batch, MakeRows({{{"image", "i"}, {"name", "n"}, {"key", "k"}}}));
  ASSERT_TRUE(expansion) << Lines(expansion.error())[0];
  EXPECT_EQ(expansion->rows.name(0), "i-n");
  EXPECT_EQ(expansion->builds[0].key, "k");
  EXPECT_EQ(expansion->builds[0].image, "r/n:i-n-1");
}

TEST(Expand, RefusesAnUnknownNameOnceAndSaysWhere) {
  const RowMaps rows = {{{"name", "a"}, {"version", "1"}}, {{"name", "b"}, {"version", "2"}}};
  EXPECT_THAT(
      ExpandProblems(OneStage("$(verison)", "r/$(x):$(name)", {"1", "2", "--v=$(row.versio)"}),
                     MakeRows(rows)),
      ElementsAre("spec.stages[0].image: $(x) is unknown: no row has a column of that name and there is no "
                  "such variable (columns: name, version)",
                  "spec.stages[0].template.spec.containers[0].args[2]: $(row.versio) is unknown: no row has "
                  "a column of that name (columns: name, version); did you mean version?",
                  "spec.stages[0].key: $(verison) is unknown: no row has a column of that name and there is "
                  "no such variable (columns: name, version); did you mean version?"));
}

TEST(Expand, SaysWhichRowLacksAColumn) {
  const RowMaps rows = {{{"name", "a"}, {"version", "1"}}, {{"name", "b"}}};
  EXPECT_THAT(ExpandProblems(OneStage("$(name)", "r/i:$(name)", {"$(version)"}), MakeRows(rows)),
              ElementsAre("spec.images.rows[1]: has no column \"version\", which "
                          "spec.stages[0].template.spec.containers[0].args[0] uses"));
  Batch named = OneStage("$(name)", "r/i:$(name)");
  named.images.name_from = "$(version)";
  EXPECT_THAT(ExpandProblems(named, MakeRows(rows)),
              ElementsAre("spec.images.rows[1]: has no column \"version\", which spec.images.nameFrom uses"));
}

TEST(Expand, RefusesRowsWithoutNameOrWithAnothersName) {
  const Batch batch = OneStage("$(name)", "r/i:$(name)");
  EXPECT_THAT(ExpandProblems(batch, MakeRows({})), ElementsAre("spec.images: there are no rows"));
  EXPECT_THAT(
      ExpandProblems(batch, MakeRows({{{"id", "a"}}})),
      ElementsAre("spec.images.nameFrom: $(name) is unknown: no row has a column of that name and there is "
                  "no such variable (columns: id)"));
  EXPECT_THAT(
      ExpandProblems(batch, MakeRows({{{"name", "a"}}, {{"name", ""}}, {{"name", "x\ny"}}, {{"name", "a"}}})),
      ElementsAre(
          "spec.images.rows[1]: the row's name \"\" is empty",
          "spec.images.rows[2]: the row's name \"x y\" holds characters that cannot be printed",
          "spec.images.rows[3]: the row's name \"a\" is also that of spec.images.rows[0]; names must be "
          "unique"));
  EXPECT_THAT(ExpandProblems(batch, MakeRows({{{"name", std::string(254, 'n')}}})),
              ElementsAre("spec.images.rows[0]: the row's name \"" + std::string(157, 'n') +
                          "...\" is 254 bytes, at most 253"));
}

TEST(Expand, RefusesAVariableThatIsAlsoAColumn) {
  Batch batch = OneStage("$(name)", "r/i:$(name)");
  batch.variables = {{"repo", "x"}, {"v", "y"}};
  EXPECT_THAT(
      ExpandProblems(batch, MakeRows({{{"name", "a"}}, {{"name", "b"}, {"repo", "x"}}})),
      ElementsAre("spec.variables.repo: is also a column of spec.images.rows[1]; rename the variable, "
                  "$(repo) must have one meaning"));
}

TEST(Expand, RefusesKeysAndImagesThatAreNotValid) {
  const std::string long_name(133, 'x');
  const RowMaps rows = {{{"name", "a"}, {"k", ""}}, {{"name", long_name}, {"k", "k"}}};
  EXPECT_THAT(ExpandProblems(OneStage("$(k)", "r/i:$(name)"), MakeRows(rows)),
              ElementsAre("spec.stages[0].key: row \"a\": \"\" is empty",
                          "spec.stages[0].image: row \"" + long_name + "\": \"r/i:" + long_name +
                              "\": tag is 133 characters, at most 128"));
}

TEST(Expand, RefusesTwoBuildsThatPushOneImage) {
  Batch batch = TwoStages();
  batch.stages[1].image = "r/env/x:1";
  EXPECT_THAT(
      ExpandProblems(batch, MakeRows({{{"name", "a"}, {"repo", "x"}, {"version", "1"}}})),
      ElementsAre("spec.stages[1].image: row \"a\": \"r/env/x:1\" is also pushed by stage env for row \"a\"; "
                  "each build needs an image of its own"));
}

TEST(Expand, RefusesRowsThatShareAKeyButNotTheBuild) {
  const RowMaps rows = {{{"name", "a"}, {"repo", "x"}, {"version", "1"}},
                        {{"name", "b"}, {"repo", "x"}, {"version", "2"}}};
  EXPECT_THAT(
      ExpandProblems(OneStage("$(repo)", "r/i:$(version)"), MakeRows(rows)),
      ElementsAre(
          "spec.stages[0].image: rows \"a\" and \"b\" share the key \"x\" of stage image but differ in "
          "$(version) (\"1\" and \"2\"); include it in the key, or leave it out here"));
  EXPECT_THAT(
      ExpandProblems(OneStage("$(repo)", "r/i:$(repo)", {"$(name)"}), MakeRows(rows)),
      ElementsAre("spec.stages[0].template.spec.containers[0].args[0]: rows \"a\" and \"b\" share the key "
                  "\"x\" of stage image but differ in $(name) (\"a\" and \"b\"); include it in the key, or "
                  "leave it out here"));
  EXPECT_THAT(ExpandProblems(OneStage("$(repo)", "r/i:$(repo)"), MakeRows(rows)), IsEmpty());

  Batch needed = TwoStages();
  needed.stages[1].key = "$(repo)";
  needed.stages[1].image = "r/eval:$(key)";
  EXPECT_THAT(
      ExpandProblems(needed, MakeRows(rows)),
      ElementsAre("spec.stages[1].template.spec.containers[0].args[0]: rows \"a\" and \"b\" share the key "
                  "\"x\" of stage image but differ in $(stages.env.image) (\"r/env/x:1\" and "
                  "\"r/env/x:2\"); include it in the key, or leave it out here"));
}

TEST(Expand, HasALimit) {
  RowMaps rows;
  for (size_t i = 0; i <= kMaxBuilds / 2; ++i) rows.push_back({{"name", std::to_string(i)}});
  Batch batch;
  batch.stages = {MakeStage("a", "$(name)", "r/a:$(name)"), MakeStage("b", "$(name)", "r/b:$(name)", {"a"})};
  EXPECT_THAT(ExpandProblems(batch, MakeRows(rows)),
              ElementsAre("spec.stages: there are more than 100000 builds"));
  batch.stages.pop_back();
  EXPECT_THAT(ExpandProblems(batch, MakeRows(rows)), IsEmpty());
  rows.resize(kMaxBuilds + 1);
  EXPECT_THAT(ExpandProblems(batch, MakeRows(rows)),
              ElementsAre("spec.images: there are more than 100000 rows"));
}

TEST(Expand, ListsTenProblemsAndCountsTheOthers) {
  const std::vector<std::map<std::string, std::string>> rows(11, {{"name", ""}});
  const auto problems = ExpandProblems(OneStage("$(name)", "r/i:$(name)"), MakeRows(rows));
  ASSERT_EQ(problems.size(), kMaxProblems + 1);
  EXPECT_EQ(problems.back(), "the batch: 1 more problem");
}

}  // namespace
}  // namespace imagebatch::batch
