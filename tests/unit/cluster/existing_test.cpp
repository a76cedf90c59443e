// spec.existing: Skip: what the registry says before the first attempt of a build and after its last.
#include <gmock/gmock.h>

#include "unit/cluster/controlled.h"

namespace imagebatch::cluster {
namespace {

using namespace std::chrono_literals;
using Says = registry::Answer::Kind;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kA = "r.example/image:a", kB = "r.example/image:b";
const std::string kDigest = "sha256:" + std::string(64, 'd');

class ExistingTest : public BatchControlTest {
 protected:
  ExistingTest() {
    registry_ = [this](const std::string& image) {
      const auto at = answers_.find(image);
      return at == answers_.end() ? registry::Answer{Says::NotThere, "", "", {}} : at->second;
    };
  }
  void Answer(const std::string& image, Says kind, seconds retry_after = 0s) {
    answers_[image] = {kind, kind == Says::There ? kDigest : "", "r.example says so", retry_after};
  }
  static json Skipping(int parallelism = 10) {
    json object = Object();
    object["spec"]["existing"] = "Skip";
    object["spec"]["parallelism"] = parallelism;
    return object;
  }
  /// As the status says within its pause.
  int64_t Count(const char* state) {
    Run(11s);
    return Status().value(state, int64_t{-1});
  }
  /// The stored lines.
  std::vector<json> Results() {
    Run(11s);
    std::vector<json> lines;
    for (const auto& [name, record] : api_.All(simulation::ApiServer::Kind::Record)) {
      for (const json& line : record.value("results", json::array())) lines.push_back(line);
    }
    return lines;
  }

  std::map<std::string, registry::Answer> answers_;
};

TEST_F(ExistingTest, NoRegistryIsAskedByDefault) {
  Answer(kA, Says::There);
  Create(Object());
  EXPECT_THAT(Jobs(), SizeIs(1));
  EndJob("a", "Complete");
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(ExistingTest, WhatIsThereIsSkippedAndWhatIsNotIsBuilt) {
  Answer(kA, Says::There);
  Create(Skipping());
  EXPECT_EQ(JobOf("a"), "");
  EXPECT_NE(JobOf("b"), "");
  EXPECT_THAT(asked_, ElementsAre(kA, kB));
  Answer(kB, Says::There);
  EndJob("b", "Complete");
  EXPECT_EQ(Count("skipped"), 1);
  EXPECT_EQ(Count("succeeded"), 1);
  const auto results = Results();
  ASSERT_THAT(results, SizeIs(2));
  EXPECT_EQ(results[0]["status"], "skipped_remote_exists");
  EXPECT_EQ(results[0]["attempt_count"], 0);
  EXPECT_EQ(results[0]["digest"], kDigest);
  EXPECT_EQ(results[1]["status"], "built");
  EXPECT_EQ(results[1]["digest"], kDigest);
  EXPECT_THAT(Condition("Complete"),
              StartsWith("True: AllSucceeded: 1 of 2 builds succeeded, 1 were skipped"));
  EXPECT_EQ(Told("Completed"), 1);
}

TEST_F(ExistingTest, ASkippedBuildIsNotAskedAboutAgain) {
  Answer(kA, Says::There);
  Create(Skipping());
  ASSERT_THAT(Results(), SizeIs(1));
  asked_.clear();
  Answer(kA, Says::NotThere);
  Restart();
  EXPECT_THAT(asked_, IsEmpty());  // and of b there is an attempt
  EXPECT_EQ(Count("skipped"), 1);
  EXPECT_EQ(JobOf("a"), "");
}

TEST_F(ExistingTest, ARetryDoesNotAsk) {
  json object = Skipping();
  object["spec"]["backoffLimit"] = object["spec"]["infrastructureRetryLimit"] = 1;
  Create(object);
  ASSERT_THAT(asked_, ElementsAre(kA, kB));
  EndJob("a", "Failed");
  Answer(kA, Says::There);
  Run(30s);
  EXPECT_THAT(asked_, ElementsAre(kA, kB));
  EXPECT_THAT(Jobs(), SizeIs(3));
}

TEST_F(ExistingTest, WhatNeedsASkippedBuildStarts) {
  json object = Skipping();
  json second = object["spec"]["stages"][0];
  second["name"] = "last";
  second["needs"] = {"image"};
  second["image"] = "r.example/last:$(name)";
  object["spec"]["stages"].push_back(second);
  Answer(kA, Says::There);
  Create(object);
  EXPECT_THAT(asked_, ElementsAre(kA, kB, "r.example/last:a"));
  EXPECT_THAT(Jobs(), SizeIs(2));  // of the first stage b, of the last a
}

class ExistingTestOf : public ExistingTest, public ::testing::WithParamInterface<Says> {};

TEST_P(ExistingTestOf, HoldsTheBuildAndIsTold) {
  Answer(kA, GetParam());
  Create(Skipping());
  EXPECT_EQ(JobOf("a"), "");
  EXPECT_NE(JobOf("b"), "");
  Run(3min);
  EXPECT_EQ(JobOf("a"), "");
  EXPECT_THAT(Condition("Degraded"), StartsWith("True: ImagesNotChecked"));
  EXPECT_THAT(Condition("Degraded"), HasSubstr("r.example says so"));
  EXPECT_EQ(Told("ImagesNotChecked"), 1);
  EXPECT_THAT(Condition("Failed"), StartsWith("False"));
  Answer(kA, Says::NotThere);
  Run(6min);
  EXPECT_NE(JobOf("a"), "");
  EXPECT_THAT(Condition("Degraded"), StartsWith("False"));
}
INSTANTIATE_TEST_SUITE_P(NoAnswer, ExistingTestOf, ::testing::Values(Says::Denied, Says::Unreachable));

TEST_F(ExistingTest, ThrottledWaitsAsItIsTold) {
  Answer(kA, Says::Throttled, 40s);
  Create(Skipping());
  const auto asked = asked_.size();
  Answer(kA, Says::There);
  Run(39s);
  EXPECT_THAT(asked_, SizeIs(asked));
  Run(2s);
  EXPECT_THAT(asked_, SizeIs(asked + 1));
  EXPECT_EQ(Count("skipped"), 1);
}

TEST_F(ExistingTest, NothingIsAskedWhileSuspended) {
  json object = Skipping();
  object["spec"]["suspend"] = true;
  Create(object);
  Run(1min);
  EXPECT_THAT(asked_, IsEmpty());
  ChangeSpec({{"suspend", false}});
  EXPECT_THAT(asked_, ElementsAre(kA, kB));
}

TEST_F(ExistingTest, ThePolicyMayChange) {
  Answer(kA, Says::Denied);
  Create(Skipping());
  EXPECT_EQ(JobOf("a"), "");
  ChangeSpec({{"existing", "Rebuild"}});
  EXPECT_NE(JobOf("a"), "");
  EXPECT_THAT(Condition("Complete"), StartsWith("False"));
  const auto asked = asked_.size();
  EndJob("a", "Complete");
  Run(1min);
  EXPECT_THAT(asked_, SizeIs(asked));
}

TEST_F(ExistingTest, AnImageThatIsNotThereIsNoSuccess) {
  Create(Skipping());
  EndJob("a", "Complete");
  EXPECT_EQ(Count("succeeded"), 0);
  Run(15s);
  EXPECT_EQ(Count("failed"), 1);
  const auto results = Results();
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0]["reason"], "ImageNotPushed");
  EXPECT_THAT(results[0]["error"].get<std::string>(), HasSubstr(kA));
  EXPECT_EQ(results[0]["status"], "failed");
}

TEST_F(ExistingTest, AnImageMayAppearALittleLater) {
  Create(Skipping());
  EndJob("a", "Complete");
  Answer(kA, Says::There);
  Run(6s);
  EXPECT_EQ(Count("succeeded"), 1);
}

TEST_F(ExistingTest, ARegistryThatSaysNothingMakesNoFailure) {
  Create(Skipping());
  Answer(kA, Says::Unreachable);
  EndJob("a", "Complete");
  Run(4min);
  EXPECT_EQ(Count("succeeded"), 0);
  Run(2min);
  EXPECT_EQ(Count("succeeded"), 1);
  EXPECT_FALSE(Results().at(0).contains("digest"));
}

TEST_F(ExistingTest, AFewAreAskedAtOnce) {
  json object = Skipping();
  json rows = json::array();
  for (int i = 0; i < 100; ++i) rows.push_back({{"name", "n" + std::to_string(i)}});
  object["spec"]["images"]["rows"] = rows;
  for (int i = 0; i < 100; ++i) Answer("r.example/image:n" + std::to_string(i), Says::Denied);
  Create(object);
  EXPECT_THAT(Jobs(), IsEmpty());
  EXPECT_THAT(asked_, SizeIs(100));
  for (auto& [image, answer] : answers_) answer.kind = Says::There;
  Run(30s);
  EXPECT_EQ(Count("skipped"), 100);
  EXPECT_THAT(Condition("Complete"), StartsWith("True"));
}

}  // namespace
}  // namespace imagebatch::cluster
