#include <gtest/gtest.h>

#include "support.h"

namespace imagebatch::batch {
namespace {

using nlohmann::json;

TEST(RenderTemplate, FillsInEveryString) {
  Batch batch;
  batch.variables = {{"v", "1"}};
  batch.stages = {MakeStage("env", "$(repo)", "r/env:$(repo)"),
                  MakeStage("image", "k-$(name)", "r/i:$(name)", {"env"})};
  batch.stages[1].pod_template = json::parse(R"json({
    "metadata": {"labels": {"$(name)": "$(name)", "n": "7"}, "annotations": {"price": "$$(name) $(price)"}},
    "spec": {"containers": [{
      "name": "build", "image": "$(stages.env.image)", "command": ["b", "$(key)", "$(image)", "$(row.image)"],
      "args": ["$$(date) $(price) $v"], "env": [{"name": "V", "value": "$(v)$(repo)"}], "tty": true,
      "resources": {"limits": {"cpu": 2}}}]}})json");
  const auto expansion = Expand(
      batch, MakeRows({{{"name", "other"}, {"repo", "x"}, {"image", "?"}, {"price", "0"}},
                       {{"name", "a"}, {"repo", "y"}, {"image", "up/stream"}, {"price", "5$(name)$"}}}));
  ASSERT_TRUE(expansion) << Lines(expansion.error())[0];
  const json rendered = RenderTemplate(batch, *expansion, expansion->builds[3]);
  EXPECT_EQ(rendered, json::parse(R"json({
    "metadata": {"labels": {"$(name)": "a", "n": "7"}, "annotations": {"price": "$(name) 5$(name)$"}},
    "spec": {"containers": [{
      "name": "build", "image": "r/env:y", "command": ["b", "k-a", "r/i:a", "up/stream"],
      "args": ["$$(date) 5$$(name)$$ $v"], "env": [{"name": "V", "value": "1y"}], "tty": true,
      "resources": {"limits": {"cpu": 2}}}]}})json"));
}

}  // namespace
}  // namespace imagebatch::batch
