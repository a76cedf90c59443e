#include <gmock/gmock.h>

#include <algorithm>

#include "cluster/control/create_pace.h"
#include "unit/cluster/world.h"

/// A batch that may have thousands of Jobs at once.
namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kCreates = "creates";
constexpr const char* kQuota =
    R"({"kind":"Status","code":403,"reason":"Forbidden","message":"jobs.batch \"j\" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=100, limited: count/jobs.batch=100"})";

/// Of one build for each row and stage, all of which may run at once.
json BatchOf(int row_count, int stage_count = 1) {
  json batch = BatchOfOne(nlohmann::json::object(), nlohmann::json::object());
  json rows = json::array(), stages = json::array();
  for (int i = 0; i < row_count; ++i) rows.push_back({{"name", "r" + std::to_string(i)}});
  for (int i = 0; i < stage_count; ++i) {
    stages.push_back(batch["spec"]["stages"][0]);
    stages.back()["name"] = "s" + std::to_string(i);
    stages.back()["image"] = "r.example/s" + std::to_string(i) + ":$(name)";
  }
  batch["spec"]["images"]["rows"] = std::move(rows);
  batch["spec"]["stages"] = std::move(stages);
  batch["spec"]["parallelism"] = row_count * stage_count;
  return batch;
}

bool CreatesJob(const kube::Request& request) {
  return request.method == kube::Method::Post && request.path.ends_with("/jobs");
}

/// The creates of Jobs, as the API server meets them, and what is told of the batch.
class Creates {
 public:
  explicit Creates(World& world) : world_(world) {
    world.answer = [this](const kube::Request& request) -> kube::Response {
      if (request.path.ends_with("/events")) ++told[json::parse(request.body)["reason"]];
      if (!CreatesJob(request)) return world_.api().Handle(request, world_.now().wall);
      ++sent;
      if (refusal != 0) return {refusal, refused_with, std::nullopt};
      return world_.api().Handle(request, world_.now().wall);
    };
  }

  int sent = 0;
  std::map<std::string, int> told;  // Events, by reason
  int refusal = 0;                  // the status; 0: none is refused
  std::string refused_with = kQuota;

 private:
  World& world_;
};

TEST(StartsTest, ABatchOfManyBuildsHasAHundredCreatesUnderWayAtMost) {
  World world(BatchOf(2000));
  size_t under_way = 0, most = 0, bytes = 0, most_bytes = 0;
  int jobs = 0;
  std::deque<size_t> sizes;
  world.hold = [&](const kube::Request& request) -> std::string {
    if (!CreatesJob(request)) return "";
    sizes.push_back(request.body.size());
    bytes += sizes.back();
    most = std::max(most, ++under_way);
    most_bytes = std::max(most_bytes, bytes);
    return kCreates;
  };
  std::vector<size_t> rounds;
  world.Settle();
  while (under_way > 0) {
    rounds.push_back(under_way);
    for (size_t left = rounds.back(); left > 0; --left) {
      --under_way;
      ++jobs;
      bytes -= sizes.front();
      sizes.pop_front();
      world.Deliver(kCreates, left > 1);
    }
    ASSERT_FALSE(testing::Test::HasFatalFailure());
  }
  EXPECT_EQ(jobs, 2000);
  EXPECT_EQ(most, CreatePace::kMost);
  EXPECT_LT(most_bytes, 100 * 4096u) << "a body is made when it is sent";
  EXPECT_THAT(std::vector<size_t>(rounds.begin(), rounds.begin() + 8),
              testing::ElementsAre(1, 2, 4, 8, 16, 32, 64, 100));
}

TEST(StartsTest, AQuotaThatRefusesThousandsIsProbedByOne) {
  World world(BatchOf(1980, 5));
  Creates creates(world);
  creates.refusal = 403;
  world.Run(minutes(1));
  EXPECT_EQ(world.Status()["held"], 9900) << world.Status().dump();
  creates.sent = 0;
  world.Run(hours(1));
  EXPECT_LE(creates.sent, 120) << "one every 30 s";
  EXPECT_GE(creates.sent, 119);
  EXPECT_EQ(world.Status()["held"], 9900);
}

TEST(StartsTest, WhatAQuotaHoldsIsToldOnce) {
  World world(BatchOf(20));
  Creates creates(world);
  creates.refusal = 403;
  world.Run(minutes(30));
  EXPECT_EQ(world.Status()["held"], 20);
  EXPECT_EQ(creates.told["BuildsHeld"], 1);
  EXPECT_EQ(creates.told["JobsNotCreated"], 0);
  const json status = world.Status();
  for (const json& condition : status["conditions"]) {
    if (condition["type"] == "Degraded") {
      EXPECT_EQ(condition["status"], "False") << condition.dump();
    }
  }
}

TEST(StartsTest, AQuotaThatNeverHasRoomIsNothingToWaitFor) {
  World world(BatchOf(20));
  Creates creates(world);
  creates.refusal = 403;
  creates.refused_with =
      R"({"kind":"Status","code":403,"message":"exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=0, limited: count/jobs.batch=0"})";
  world.Run(minutes(30));
  EXPECT_EQ(world.Status()["held"], 0);
  EXPECT_EQ(creates.told["BuildsHeld"], 0);
  EXPECT_EQ(creates.told["JobsNotCreated"], 1);
}

TEST(StartsTest, AWebhookThatRefusesThousandsIsAskedOnceASecond) {
  World world(BatchOf(2000));
  Creates creates(world);
  creates.refusal = 500;
  creates.refused_with = R"({"kind":"Status","code":500,"message":"failed calling webhook"})";
  world.Run(minutes(10));
  EXPECT_LE(creates.sent, 601);
  EXPECT_EQ(world.Status()["held"], 0);
  EXPECT_EQ(world.Status()["pending"], 2000);
}

TEST(StartsTest, WhatAQuotaLetsGoIsCreated) {
  World world(BatchOf(300));
  Creates creates(world);
  creates.refusal = 403;
  world.Run(minutes(2));
  creates.refusal = 0;
  world.Run(seconds(31));
  EXPECT_EQ(world.api().All(World::Kind::Job).size(), 300u);
  EXPECT_EQ(world.Status()["held"], 0);
}

TEST(StartsTest, NothingIsCreatedWhileTheBatchIsSuspended) {
  World world(BatchOf(300));
  Creates creates(world);
  creates.refusal = 403;
  world.Run(minutes(2));
  world.ChangeBatch([](json& batch) { batch["spec"]["suspend"] = true; });
  creates.refusal = 0;
  world.Run(hours(1));
  EXPECT_EQ(world.api().All(World::Kind::Job).size(), 0u);
  world.ChangeBatch([](json& batch) { batch["spec"]["suspend"] = false; });
  world.Run(seconds(31));
  EXPECT_EQ(world.api().All(World::Kind::Job).size(), 300u);
}

TEST(StartsTest, WhatWaitsForItsTurnEndsWithTheTimeOfTheBatch) {
  json batch = BatchOf(300);
  batch["spec"]["activeDeadlineSeconds"] = 600;
  World world(batch);
  Creates creates(world);
  creates.refusal = 403;
  world.Run(minutes(9));
  creates.sent = 0;
  creates.refusal = 0;
  world.Pass(minutes(1));
  world.Run(hours(1));
  EXPECT_EQ(creates.sent, 0);
  EXPECT_EQ(world.Status()["failed"], 300);
  EXPECT_FALSE(world.Status()["completionTime"].is_null());
}

/// What is asked about Events, as long as it lives.
struct EventReads {
  explicit EventReads(World& world) {
    world.answer = [this, &world](const kube::Request& request) -> kube::Response {
      kube::Response response = world.api().Handle(request, world.now().wall);
      if (request.path.find("/events?") != std::string::npos) {
        ++requests;
        bytes += response.body.size();
      }
      return response;
    };
  }
  int requests = 0;
  size_t bytes = 0;
};

/// The Job controller says of each Job why it has no Pod.
void RefusePods(World& world, const std::function<std::string(const std::string& job)>& why) {
  for (const auto& [name, job] : world.api().All(World::Kind::Job)) {
    world.api().events[job["metadata"]["uid"]] = {
        {{"type", "Warning"}, {"reason", "FailedCreate"}, {"message", why(name)}}};
  }
}

TEST(StartsTest, TheEventsOfAThousandJobsWithoutAPodAreReadInOneList) {
  World world(BatchOf(1000));
  EventReads reads(world);
  world.Run(seconds(30));
  RefusePods(world, [](const std::string&) {
    return "Error creating: pods is forbidden: exceeded quota: q, requested: pods=1, used: pods=9, limited: "
           "pods=9";
  });
  world.Run(hours(1));
  EXPECT_EQ(world.Status()["held"], 1000);
  // After 1, 2, 4, 8, 16, 26, 36, 46 and 56 min, of 500 Events each
  EXPECT_EQ(reads.requests, 2 * 9);
  EXPECT_LT(reads.bytes, 9 * 1000 * 300u);
}

TEST(StartsTest, EachOfAThousandJobsWithoutAPodIsToldItsOwnReason) {
  World world(BatchOf(1000));
  world.Run(seconds(30));
  RefusePods(world, [](const std::string& job) { return "webhook denies the Pod of " + job; });
  world.Run(minutes(12));
  const json stalled = world.Status()["stalledBuilds"];
  ASSERT_FALSE(stalled.empty());
  std::map<std::string, std::string> job_of;
  for (const auto& [name, job] : world.api().All(World::Kind::Job))
    job_of[job["metadata"]["annotations"]["imagebatch.dev/name"]] = name;
  for (const json& build : stalled) {
    EXPECT_THAT(build["message"].get<std::string>(), testing::EndsWith(job_of[build["name"]]))
        << build.dump();
  }
  EXPECT_EQ(world.Status()["stalled"], 1000);
}

}  // namespace
}  // namespace imagebatch::cluster
