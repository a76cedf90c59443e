#include "cluster/store/result_log.h"

#include <gmock/gmock.h>

#include "cluster/objects/names.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using kube::Method;
using nlohmann::json;
using std::chrono::seconds;
using testing::ElementsAre;
using Kind = simulation::ApiServer::Kind;

/// A result log and an API server that stores what it writes.
class ResultLogTest : public testing::Test {
 protected:
  ResultLogTest() {
    batch_.ns = "builds";
    batch_.name = "b";
    batch_.uid = "u";
    Restart();
  }

  void Restart() {
    wire_ = std::make_unique<Wire>();
    log_ = std::make_unique<ResultLog>(batch_, wire_->channel);
  }

  kube::Response Handle(const Command& command) {
    if (command.request.method != Method::Get) ++writes_;
    return api_.Handle(command.request, wire_->now.wall);
  }

  /// Steps and answers until nothing more is asked.
  void Settle() {
    for (int round = 0; round < 1000; ++round) {
      log_->Step(wire_->now);
      const std::vector<Command> sent = wire_->requests.Take();
      if (sent.empty()) return;
      for (const Command& command : sent) wire_->requests.Deliver(command.id, Handle(command), wire_->now);
    }
    FAIL() << "it does not come to rest";
  }

  void Add(const std::string& build, size_t size = 0) {
    const json line = {
        {"build", build}, {"attempt_count", 1}, {"status", "built"}, {"pad", std::string(size, 'x')}};
    log_->Add(line.dump(), wire_->now);
  }

  /// Adds so many lines and has them stored.
  void Store(int count, size_t size) {
    for (int i = 0; i < count; ++i) Add(std::to_string(i), size);
    log_->Hurry();
    Settle();
  }

  /// Adds a line and brings it to the moment of its write.
  Command WriteOf(const std::string& build) {
    Add(build);
    log_->Hurry();
    log_->Step(wire_->now);
    return wire_->Only();
  }

  /// The builds that stand in a ConfigMap, in their order.
  std::vector<std::string> Stored(const std::string& name) {
    std::vector<std::string> builds;
    const json* config_map = api_.Find(Kind::ConfigMap, name);
    if (config_map == nullptr) return {"no ConfigMap"};
    std::istringstream text((*config_map)["data"]["results.jsonl"].get<std::string>());
    for (std::string line; std::getline(text, line);) builds.push_back(json::parse(line)["build"]);
    return builds;
  }

  batch::Batch batch_;
  simulation::ApiServer api_{[](auto...) {}};
  int writes_ = 0;
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<ResultLog> log_;
};

TEST_F(ResultLogTest, LinesAreWrittenTogetherAfter10Seconds) {
  Settle();
  EXPECT_TRUE(log_->loaded());
  Add("a");
  wire_->Pass(seconds(4));
  Add("b");
  wire_->Pass(seconds(5));
  Settle();
  EXPECT_EQ(writes_, 0);
  EXPECT_EQ(log_->Next(), wire_->now.steady + seconds(1));
  wire_->Pass(seconds(1));
  Settle();
  EXPECT_EQ(writes_, 1);
  EXPECT_THAT(Stored("b-results-1"), ElementsAre("a", "b"));
  EXPECT_TRUE(log_->Empty());
  EXPECT_EQ(log_->lines(), 2);
  EXPECT_THAT(log_->config_maps(), ElementsAre("b-results-1"));
}

TEST_F(ResultLogTest, TwentyLinesOrAHurryAreWrittenAtOnce) {
  Settle();
  for (int i = 0; i < 20; ++i) Add(std::to_string(i));
  Settle();
  EXPECT_EQ(writes_, 1);
  Add("last");
  log_->Hurry();
  Settle();
  EXPECT_EQ(writes_, 2);
  EXPECT_EQ(Stored("b-results-1").size(), 21u);
}

TEST_F(ResultLogTest, AConfigMapBelongsToItsBatch) {
  Settle();
  const json object = Body(WriteOf("a"));
  EXPECT_EQ(object["metadata"]["ownerReferences"][0]["uid"], "u");
  EXPECT_EQ(object["metadata"]["labels"][std::string(kBatchUidLabel)], "u");
}

TEST_F(ResultLogTest, WhatIsStoredIsFoundAgain) {
  Settle();
  Add("a");
  log_->Hurry();
  Settle();
  Restart();
  Settle();
  const auto keys = log_->TakeLoaded();
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].build, "a");
  EXPECT_EQ(log_->lines(), 1);
  Add("b");
  log_->Hurry();
  Settle();
  EXPECT_THAT(Stored("b-results-1"), ElementsAre("a", "b"));
}

TEST_F(ResultLogTest, AReadThatFailsIsTriedAgain) {
  log_->Step(wire_->now);
  const Command read = wire_->Only();
  EXPECT_EQ(read.request.path, "/api/v1/namespaces/builds/configmaps/b-results-1");
  wire_->Reply(read, 500, Refusal("etcd"));
  log_->Step(wire_->now);
  EXPECT_TRUE(wire_->Silent());
  EXPECT_FALSE(log_->loaded());
  wire_->Pass(seconds(1));
  Settle();
  EXPECT_TRUE(log_->loaded());
}

TEST_F(ResultLogTest, WhatIsStoredIsReadOneConfigMapAfterTheOther) {
  Settle();
  Store(100, 4000);
  const size_t stored = log_->config_maps().size();
  ASSERT_GE(stored, 6u);
  Restart();
  for (size_t requests = 0; !log_->loaded(); ++requests) {
    ASSERT_LE(requests, stored);
    log_->Step(wire_->now);
    const Command read = wire_->Only();
    const kube::Response response = Handle(read);
    EXPECT_LE(response.body.size(), 100'000u);
    wire_->requests.Deliver(read.id, response, wire_->now);
  }
  EXPECT_EQ(log_->TakeLoaded().size(), 100u);
}

TEST_F(ResultLogTest, AConfigMapThatIsGoneHidesNoneBehindIt) {
  Settle();
  Store(100, 4000);
  const auto names = log_->config_maps();
  const size_t lost = Stored("b-results-2").size();
  api_.Remove(Kind::ConfigMap, "b-results-2");
  Restart();
  log_->Expect(names);
  Settle();
  EXPECT_EQ(log_->TakeLoaded().size(), 100 - lost);
  EXPECT_EQ(log_->config_maps().size(), names.size() - 1);
  Add("after");
  log_->Hurry();
  Settle();
  EXPECT_EQ(Stored(names.back()).back(), "after");
}

TEST_F(ResultLogTest, OfManyConfigMapsTheNewestAreNamed) {
  Settle();
  constexpr int kMany = 600;
  for (int i = 0; i < kMany; ++i) {
    api_.Put(
        Kind::ConfigMap,
        {{"metadata",
          {{"name", "b-results-" + std::to_string(i + 1)}, {"labels", {{std::string(kBatchUidLabel), "u"}}}}},
         {"data", {{"results.jsonl", R"({"build":"a","attempt_count":1,"status":"built"})"}}}});
  }
  Restart();
  Settle();
  EXPECT_EQ(log_->lines(), kMany);
  ASSERT_EQ(log_->config_maps().size(), ResultLog::kNamed);
  EXPECT_EQ(log_->config_maps().back(), "b-results-600");
}

TEST_F(ResultLogTest, OnlyTheNewestFailuresAreExplained) {
  Settle();
  for (int i = 0; i < 1000; ++i) {
    log_->Add(json{{"build", "b" + std::to_string(i)},
                   {"attempt_count", 1},
                   {"status", "failed"},
                   {"cause", "Build"},
                   {"reason", "Error"},
                   {"error", "Error: exit code 3"}}
                  .dump(),
              wire_->now);
  }
  log_->Hurry();
  Settle();
  Restart();
  Settle();
  const auto keys = log_->TakeLoaded();
  ASSERT_EQ(keys.size(), 1000u);
  EXPECT_EQ(keys.back().message, "exit code 3");
  EXPECT_EQ(
      std::count_if(keys.begin(), keys.end(), [](const ResultKey& key) { return !key.message.empty(); }),
      200);
}

TEST_F(ResultLogTest, AfterAConflictOnlyWhatIsLackingIsAdded) {
  Settle();
  Add("a");
  log_->Hurry();
  Settle();
  json other = *api_.Find(Kind::ConfigMap, "b-results-1");  // another controller that believed it led
  other["data"]["results.jsonl"] = other["data"]["results.jsonl"].get<std::string>() +
                                   R"({"build":"b","attempt_count":1,"status":"built"})" + "\n";
  api_.Put(Kind::ConfigMap, other);
  Add("b");
  Add("c");
  log_->Hurry();
  Settle();
  EXPECT_THAT(Stored("b-results-1"), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(log_->Empty());
}

TEST_F(ResultLogTest, AWriteWhoseReplyWasLostIsNotRepeated) {
  for (const bool reached : {false, true}) {
    api_.Remove(Kind::ConfigMap, "b-results-1");
    Restart();
    Settle();
    const Command create = WriteOf("a");
    if (reached) Handle(create);
    wire_->Lose(create);
    EXPECT_FALSE(log_->Empty());
    Add("b");
    wire_->Pass(seconds(1));
    Settle();
    EXPECT_THAT(Stored("b-results-1"), ElementsAre("a", "b")) << reached;
    const Command patch = WriteOf("c");
    if (reached) Handle(patch);
    wire_->Lose(patch);
    wire_->Pass(seconds(2));
    Settle();
    EXPECT_THAT(Stored("b-results-1"), ElementsAre("a", "b", "c")) << reached;
  }
}

TEST_F(ResultLogTest, LinesThatCameDuringAWriteAreNotLost) {
  Settle();
  const Command create = WriteOf("a");
  Add("b");
  wire_->requests.Deliver(create.id, Handle(create), wire_->now);
  EXPECT_FALSE(log_->Empty());
  log_->Hurry();
  Settle();
  EXPECT_THAT(Stored("b-results-1"), ElementsAre("a", "b"));
}

TEST_F(ResultLogTest, AConfigMapDeletedByHandIsWrittenAnew) {
  Settle();
  Add("a");
  log_->Hurry();
  Settle();
  api_.Remove(Kind::ConfigMap, "b-results-1");
  Add("b");
  log_->Hurry();
  Settle();
  wire_->Pass(seconds(1));
  Settle();
  EXPECT_THAT(Stored("b-results-1"), ElementsAre("a", "b"));
}

TEST_F(ResultLogTest, AFullConfigMapIsFollowedByTheNext) {
  Settle();
  Store(20, 4000);
  EXPECT_TRUE(log_->Empty());
  EXPECT_THAT(log_->config_maps(), ElementsAre("b-results-1", "b-results-2"));
  EXPECT_EQ(Stored("b-results-1").size() + Stored("b-results-2").size(), 20u);
  EXPECT_LE((*api_.Find(Kind::ConfigMap, "b-results-1"))["data"]["results.jsonl"].get<std::string>().size(),
            64u * 1024);
  EXPECT_EQ(writes_, 2);

  Restart();
  Settle();
  EXPECT_EQ(log_->TakeLoaded().size(), 20u);
  Add("after");
  log_->Hurry();
  Settle();
  EXPECT_EQ(Stored("b-results-2").back(), "after");
}

TEST_F(ResultLogTest, AConfigMapThatIsLargerThanAnyOfNowIsReadAndFollowedByTheNext) {
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += json{{"build", std::to_string(i)},
                 {"attempt_count", 1},
                 {"status", "built"},
                 {"pad", std::string(4000, 'x')}}
                .dump() +
            "\n";
  api_.Put(Kind::ConfigMap,
           {{"metadata", {{"name", "b-results-1"}, {"labels", {{std::string(kBatchUidLabel), "u"}}}}},
            {"data", {{"results.jsonl", text}}}});
  Restart();
  Settle();
  EXPECT_EQ(log_->TakeLoaded().size(), 100u);
  Add("after");
  log_->Hurry();
  Settle();
  EXPECT_THAT(Stored("b-results-2"), ElementsAre("after"));
}

TEST_F(ResultLogTest, OnlyWhatIsStoredIsCountedAndNamed) {
  Settle();
  const Command create = WriteOf("a");
  EXPECT_EQ(log_->lines(), 0);
  EXPECT_EQ(log_->waiting(), 1u);
  EXPECT_THAT(log_->config_maps(), ElementsAre());
  wire_->Reply(create, 403, Refusal("exceeded quota"));
  EXPECT_EQ(log_->lines(), 0);
  EXPECT_THAT(log_->config_maps(), ElementsAre());
  wire_->Pass(seconds(2));
  Settle();
  EXPECT_EQ(log_->lines(), 1);
  EXPECT_EQ(log_->waiting(), 0u);
  EXPECT_THAT(log_->config_maps(), ElementsAre("b-results-1"));
}

TEST_F(ResultLogTest, AConfigMapOfAnEarlierBatchOfTheNameIsLeftAloneAndPassedOver) {
  const json foreign = {
      {"metadata", {{"name", "b-results-1"}, {"labels", {{std::string(kBatchUidLabel), "older"}}}}},
      {"data", {{"results.jsonl", R"({"build":"z","attempt_count":1,"status":"built"})"}}}};
  Settle();
  api_.Put(Kind::ConfigMap, foreign);
  Add("a");
  log_->Hurry();
  Settle();
  EXPECT_THAT(Stored("b-results-1"), ElementsAre("z"));
  EXPECT_THAT(Stored("b-results-2"), ElementsAre("a"));
  EXPECT_TRUE(log_->Empty());
  EXPECT_THAT(log_->config_maps(), ElementsAre("b-results-2"));
  EXPECT_EQ(log_->lines(), 1);
}

}  // namespace
}  // namespace imagebatch::cluster
