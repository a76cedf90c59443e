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
  const json rendered = RenderTemplate(batch, *expansion, 3);
  EXPECT_EQ(rendered, json::parse(R"json({
    "metadata": {"labels": {"$(name)": "a", "n": "7"}, "annotations": {"price": "$(name) 5$(name)$"}},
    "spec": {"containers": [{
      "name": "build", "image": "r/env:y", "command": ["b", "k-a", "r/i:a", "up/stream"],
      "args": ["$$(date) 5$$(name)$$ $v"], "env": [{"name": "V", "value": "1y"}], "tty": true,
      "resources": {"limits": {"cpu": 2}}}]}})json"));
}

TEST(RenderTemplate, LeavesTheContainersOwnVariablesToTheKubelet) {
  Batch batch;
  batch.stages = {MakeStage("image", "$(name)", "r/i:$(name)")};
  batch.stages[0].pod_template = json::parse(R"json({
    "metadata": {"annotations": {"pod": "$(POD)"}},
    "spec": {"containers": [
      {"name": "build", "command": ["b", "--tag=$(POD)-$(name)", "$$(POD)", "$(CACHE)"],
       "env": [{"name": "EARLY", "value": "$(POD)"}, {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
               {"name": "CACHE", "value": "/cache/$(POD)/$(row.POD)"}]},
      {"name": "other", "args": ["$(POD)"]}]}})json");
  const json rendered = [&] {
    const auto expansion = Expand(batch, MakeRows({{{"name", "a"}, {"POD", "row$(name)"}}}));
    EXPECT_TRUE(expansion);
    return RenderTemplate(batch, *expansion, 0);
  }();
  EXPECT_EQ(rendered, json::parse(R"json({
    "metadata": {"annotations": {"pod": "row$(name)"}},
    "spec": {"containers": [
      {"name": "build", "command": ["b", "--tag=$(POD)-a", "$$(POD)", "$(CACHE)"],
       "env": [{"name": "EARLY", "value": "row$$(name)"}, {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
               {"name": "CACHE", "value": "/cache/$(POD)/row$$(name)"}]},
      {"name": "other", "args": ["row$$(name)"]}]}})json"))
      << "no row can take the place of the container's variable";
}

TEST(RenderTemplate, KnowsTheContainersVariablesWithoutAColumn) {
  json object = ValidObject();
  json& container = object["spec"]["stages"][0]["template"]["spec"]["containers"][0];
  container["args"] = {"$(POD)"};
  const auto unknown = [&] { return ExpandProblems(ReadBatch(object).value(), MakeRows({{{"name", "a"}}})); };
  EXPECT_EQ(unknown().size(), 1u);
  container["env"] = {{{"name", "POD"}, {"value", "x"}}};
  EXPECT_EQ(unknown(), std::vector<std::string>());
  container["env"] = {{{"name", "stages.x"}, {"value", "x"}}};  // a name that would be refused as ours
  container["args"] = {"$(stages.x)"};
  EXPECT_EQ(ReadProblems(object), std::vector<std::string>());
}

}  // namespace
}  // namespace imagebatch::batch
