#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support.h"

namespace imagebatch::batch {
namespace {

/// The batch that this exists for: all 500 rows of SWE-bench Verified, in two stages.
TEST(SweBenchVerified, ExpandsToItsEnvironmentsAndImages) {
  std::vector<Row> rows;
  std::vector<Problem> problems;
  ReadRowLines(FileText("tests/data/swebench-verified.jsonl"), {"verified", "rows.jsonl"}, rows, problems);
  ASSERT_TRUE(problems.empty()) << Lines(problems)[0];
  ASSERT_EQ(rows.size(), 500U);

  Batch batch;
  batch.images.name_from = "$(instance_id)";
  batch.stages = {
      MakeStage("env", "$(repo)-$(version)", "10.88.0.1:5000/eval-env/$(repo):$(version)", {}, {"$(image)"}),
      MakeStage("image", "$(name)", "10.88.0.1:5000/eval/$(repo):$(name)", {"env"},
                {"--base=$(stages.env.image)", "--upstream=$(row.image)", "--commit=$(base_commit)"})};
  const auto expansion = Expand(batch, rows);
  ASSERT_TRUE(expansion) << Lines(expansion.error())[0];

  ASSERT_EQ(expansion->builds.size(), 80U + 500U);
  std::set<std::string> keys;
  for (size_t i = 0; i < 80; ++i) {
    const Build& env = expansion->builds[i];
    EXPECT_EQ(env.stage, 0U);
    EXPECT_TRUE(env.needs.empty());
    keys.insert(env.key);
  }
  EXPECT_EQ(keys.size(), 80U);
  for (size_t i = 0; i < 500; ++i) {
    const Build& image = expansion->builds[80 + i];
    const auto& columns = rows[i].columns;
    EXPECT_EQ(image.stage, 1U);
    EXPECT_EQ(image.row, i);
    EXPECT_EQ(image.key, columns.at("instance_id"));
    ASSERT_EQ(image.needs.size(), 1U);
    const Build& env = expansion->builds.at(image.needs[0]);
    EXPECT_EQ(env.key, columns.at("repo") + "-" + columns.at("version"));
    EXPECT_EQ(env.image, "10.88.0.1:5000/eval-env/" + columns.at("repo") + ":" + columns.at("version"));
    const nlohmann::json rendered = RenderTemplate(batch, *expansion, image);
    const nlohmann::json args = {"--base=" + env.image, "--upstream=" + columns.at("image"),
                                 "--commit=" + columns.at("base_commit")};
    EXPECT_EQ(rendered["spec"]["containers"][0]["args"], args);
  }
}

}  // namespace
}  // namespace imagebatch::batch
