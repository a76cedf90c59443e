#include <gtest/gtest.h>

#include <map>
#include <set>

#include "batch/stage_uses.h"
#include "support.h"

namespace imagebatch::batch {
namespace {

/// The batch that this exists for: all 500 rows of SWE-bench Verified, in two stages.
TEST(SweBenchVerified, ExpandsToItsEnvironmentsAndImages) {
  Batch batch;
  batch.images.name_from = "$(instance_id)";
  batch.stages = {
      MakeStage("env", "$(repo)-$(version)", "10.88.0.1:5000/eval-env/$(repo):$(version)", {}, {"$(image)"}),
      MakeStage("image", "$(name)", "10.88.0.1:5000/eval/$(repo):$(name)", {"env"},
                {"--base=$(stages.env.image)", "--upstream=$(row.image)", "--commit=$(base_commit)"})};
  Rows read(UsedColumns(batch));
  std::vector<Problem> problems;
  ReadRowLines(FileText("tests/data/swebench-verified.jsonl"), {"verified", "rows.jsonl"}, read, problems);
  ASSERT_TRUE(problems.empty()) << Lines(problems)[0];
  ASSERT_EQ(read.size(), 500U);
  const auto expansion = Expand(batch, std::move(read));
  ASSERT_TRUE(expansion) << Lines(expansion.error())[0];

  ASSERT_EQ(expansion->builds.size(), 80U + 500U);
  std::set<std::string> keys;
  for (size_t i = 0; i < 80; ++i) {
    const Build& env = expansion->builds[i];
    EXPECT_EQ(env.stage, 0U);
    EXPECT_TRUE(expansion->needs[i].empty());
    keys.emplace(env.key);
  }
  EXPECT_EQ(keys.size(), 80U);
  for (size_t i = 0; i < 500; ++i) {
    const Build& image = expansion->builds[80 + i];
    const auto column = [&](const char* name) { return std::string(expansion->rows.Value(i, name).value()); };
    EXPECT_EQ(image.stage, 1U);
    EXPECT_EQ(image.row, i);
    EXPECT_EQ(image.key, column("instance_id"));
    const auto needs = expansion->needs[80 + i];
    ASSERT_EQ(needs.size(), 1U);
    const Build& env = expansion->builds.at(needs[0]);
    EXPECT_EQ(env.key, column("repo") + "-" + column("version"));
    EXPECT_EQ(env.image, "10.88.0.1:5000/eval-env/" + column("repo") + ":" + column("version"));
    const nlohmann::json rendered = RenderTemplate(batch, *expansion, 80 + i);
    const nlohmann::json args = {"--base=" + std::string(env.image), "--upstream=" + column("image"),
                                 "--commit=" + column("base_commit")};
    EXPECT_EQ(rendered["spec"]["containers"][0]["args"], args);
  }
}

}  // namespace
}  // namespace imagebatch::batch
