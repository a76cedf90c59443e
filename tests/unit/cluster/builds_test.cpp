#include "cluster/objects/builds.h"

#include <gtest/gtest.h>

#include <set>

#include "batch/read.h"
#include "batch/stage_uses.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

/// Stages env (one build) and image (a and b), where image has limits of its own.
class BuildsTest : public testing::Test {
 protected:
  BuildsTest() {
    const json pod = {{"spec", {{"containers", {{{"name", "build"}, {"command", {"x", "$(image)"}}}}}}}};
    const json object = {
        {"apiVersion", "imagebatch.dev/v1alpha1"},
        {"kind", "ImageBatch"},
        {"metadata", {{"name", "b"}, {"namespace", "builds"}, {"uid", "u"}, {"generation", 1}}},
        {"spec",
         {{"images", {{"rows", {{{"name", "a"}}, {{"name", "b"}}}}}},
          {"hang", {{"idleSeconds", 7}}},
          {"stages",
           {{{"name", "env"}, {"key", "e"}, {"image", "r.example/env:e"}, {"template", pod}},
            {{"name", "image"},
             {"needs", {"env"}},
             {"image", "r.example/image:$(name)"},
             {"template", pod},
             {"hang", {{"silentSeconds", 9}}},
             {"stall", {{"action", "Retry"}}}}}}}}};
    batch_ = batch::ReadBatch(object).value();
    batch::Rows rows(batch::UsedColumns(batch_));
    std::vector<batch::Problem> problems;
    batch::ReadInlineRows(batch_.images, rows, problems);
    builds_.emplace(batch_, batch::Expand(batch_, std::move(rows)).value());
  }

  batch::Batch batch_;
  std::optional<Builds> builds_;
};

TEST_F(BuildsTest, KnowsWhatBuildNumberNIs) {
  ASSERT_EQ(builds_->size(), 3U);
  EXPECT_EQ(builds_->stage(0).name, "env");
  EXPECT_EQ(builds_->name(0), "e");
  EXPECT_EQ(builds_->stage(2).name, "image");
  EXPECT_EQ(builds_->name(2), "b");
  EXPECT_EQ(builds_->image(2), "r.example/image:b");
  EXPECT_EQ(builds_->Graph().stages, (std::vector<uint32_t>{0, 1, 1}));
}

TEST_F(BuildsTest, EachDrawsLotsOfItsOwnThatAreTheSameForAll) {
  const std::vector<uint64_t> seeds = builds_->Graph().seeds;
  EXPECT_EQ(std::set<uint64_t>(seeds.begin(), seeds.end()).size(), 3U);
  EXPECT_EQ(seeds, builds_->Graph().seeds);
  EXPECT_NE(plan::LotOf(seeds[0], 1), plan::LotOf(seeds[1], 1));
}

TEST_F(BuildsTest, EachIsFoundByItsHashAndByItsNames) {
  for (uint32_t build = 0; build < builds_->size(); ++build) {
    EXPECT_EQ(builds_->Find(builds_->hash(build)), build);
    EXPECT_EQ(builds_->Find(builds_->stage(build).name, builds_->name(build)), build);
  }
  EXPECT_FALSE(builds_->Find("abcdefghij"));
  EXPECT_FALSE(builds_->Find("image", "e"));
}

TEST_F(BuildsTest, AJobsNameSaysWhichAttemptOfWhichBuildItIsFor) {
  const std::string name = builds_->JobName(1, 12);
  EXPECT_EQ(builds_->FindJob(name), std::pair(1U, 12));
  for (const std::string& other : {name + "x", "x" + name, name.substr(0, name.size() - 3), name + "-0",
                                   std::string("b-abcdefghij-1"), std::string("-"), std::string()}) {
    EXPECT_FALSE(builds_->FindJob(other)) << other;
  }
}

TEST_F(BuildsTest, AStagesPolicyIsTheBatchsButForWhatItGives) {
  EXPECT_EQ(builds_->hang(0).idle_seconds, 7);
  EXPECT_EQ(builds_->hang(0).silent_seconds, 1800);
  EXPECT_EQ(builds_->hang(1).idle_seconds, 7);
  EXPECT_EQ(builds_->hang(1).silent_seconds, 9);
  EXPECT_FALSE(builds_->stall(0).retry);
  EXPECT_TRUE(builds_->stall(1).retry);
  batch_.hang.idle_seconds = 8;
  EXPECT_EQ(builds_->hang(1).idle_seconds, 8) << "as it is at the time";
}

TEST_F(BuildsTest, MakesTheJobOfAnAttempt) {
  const json job = json::parse(builds_->Job({2, 3, 0}, {"runner:1"}, "m"));
  EXPECT_EQ(job["metadata"]["name"], builds_->JobName(2, 3));
  EXPECT_EQ(job["metadata"]["labels"]["imagebatch.dev/name"], "b");
  EXPECT_EQ(job["metadata"]["annotations"]["imagebatch.dev/image"], "r.example/image:b");
  EXPECT_FALSE(job["metadata"]["labels"].contains("imagebatch.dev/round"));
  const json again = json::parse(builds_->Job({2, 3, 4}, {"runner:1"}, "m"));
  EXPECT_EQ(again["spec"]["template"]["metadata"]["labels"]["imagebatch.dev/round"], "4");
}

}  // namespace
}  // namespace imagebatch::cluster
