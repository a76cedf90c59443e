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

  void Add(const std::string& build, size_t size = 0) { log_->Add(Built(build, size).dump(), wire_->now); }

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

  /// A record of the batch's own with these results.
  static json Record(const std::string& name, json results, const std::string& batch_uid = "u") {
    return {{"metadata", {{"name", name}, {"labels", {{std::string(kBatchUidLabel), batch_uid}}}}},
            {"type", "Results"},
            {"results", std::move(results)}};
  }
  static json Built(const std::string& build, size_t size = 0) {
    return {{"build", build}, {"attempt_count", 1}, {"status", "built"}, {"pad", std::string(size, 'x')}};
  }

  /// The builds that stand in a record, in their order.
  std::vector<std::string> Stored(const std::string& name) {
    std::vector<std::string> builds;
    const json* record = api_.Find(Kind::Record, name);
    if (record == nullptr) return {"no record"};
    for (const json& result : (*record)["results"]) builds.push_back(result["build"]);
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
  EXPECT_THAT(log_->records(), ElementsAre("b-results-1"));
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

TEST_F(ResultLogTest, ARecordBelongsToItsBatch) {
  Settle();
  const json object = Body(WriteOf("a"));
  EXPECT_EQ(object["metadata"]["ownerReferences"][0]["uid"], "u");
  EXPECT_EQ(object["metadata"]["labels"], json({{"imagebatch.dev/batch-uid", "u"},
                                                {"imagebatch.dev/batch", "b"},
                                                {"imagebatch.dev/record", "results"}}));
  EXPECT_EQ(object["kind"], "ImageBatchRecord");
  EXPECT_EQ(object["type"], "Results");
  EXPECT_EQ(object["results"].size(), 1U);
}

TEST_F(ResultLogTest, AWriteCarriesTheNewLinesAloneAndTheVersionTheyFollow) {
  Settle();
  Store(10, 4000);
  const std::string version = (*api_.Find(Kind::Record, "b-results-1"))["metadata"]["resourceVersion"];
  const Command write = WriteOf("new");
  EXPECT_EQ(write.request.method, Method::Patch);
  EXPECT_EQ(write.request.content_type, "application/json-patch+json");
  EXPECT_LT(write.request.body.size(), 300U);
  EXPECT_EQ(Body(write), json({{{"op", "replace"}, {"path", "/metadata/resourceVersion"}, {"value", version}},
                               {{"op", "add"}, {"path", "/results/-"}, {"value", Built("new")}}}));
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
  EXPECT_EQ(read.request.path,
            "/apis/imagebatch.dev/v1alpha1/namespaces/builds/imagebatchrecords/b-results-1");
  wire_->Reply(read, 500, Refusal("etcd"));
  log_->Step(wire_->now);
  EXPECT_TRUE(wire_->Silent());
  EXPECT_FALSE(log_->loaded());
  wire_->Pass(seconds(1));
  Settle();
  EXPECT_TRUE(log_->loaded());
}

TEST_F(ResultLogTest, WhatIsStoredIsReadOneRecordAfterTheOther) {
  Settle();
  Store(100, 4000);
  const size_t stored = log_->records().size();
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

TEST_F(ResultLogTest, ARecordThatIsGoneHidesNoneBehindIt) {
  Settle();
  Store(100, 4000);
  const auto names = log_->records();
  const size_t lost = Stored("b-results-2").size();
  api_.Remove(Kind::Record, "b-results-2");
  Restart();
  log_->Expect(names);
  Settle();
  EXPECT_EQ(log_->TakeLoaded().size(), 100 - lost);
  EXPECT_EQ(log_->records().size(), names.size() - 1);
  Add("after");
  log_->Hurry();
  Settle();
  EXPECT_EQ(Stored(names.back()).back(), "after");
}

TEST_F(ResultLogTest, OfManyRecordsTheNewestAreNamed) {
  Settle();
  constexpr int kMany = 600;
  for (int i = 1; i <= kMany; ++i)
    api_.Put(Kind::Record, Record("b-results-" + std::to_string(i), json::array({Built("a")})));
  Restart();
  Settle();
  EXPECT_EQ(log_->lines(), kMany);
  ASSERT_EQ(log_->records().size(), ResultLog::kNamed);
  EXPECT_EQ(log_->records().back(), "b-results-600");
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
  json other = *api_.Find(Kind::Record, "b-results-1");  // another controller that believed it led
  other["results"].push_back(Built("b"));
  api_.Put(Kind::Record, other);
  Add("b");
  Add("c");
  log_->Hurry();
  Settle();
  EXPECT_THAT(Stored("b-results-1"), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(log_->Empty());
}

TEST_F(ResultLogTest, AWriteWhoseReplyWasLostIsNotRepeated) {
  for (const bool reached : {false, true}) {
    api_.Remove(Kind::Record, "b-results-1");
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

TEST_F(ResultLogTest, ARecordDeletedByHandIsWrittenAnew) {
  Settle();
  Add("a");
  log_->Hurry();
  Settle();
  api_.Remove(Kind::Record, "b-results-1");
  Add("b");
  log_->Hurry();
  Settle();
  wire_->Pass(seconds(1));
  Settle();
  EXPECT_THAT(Stored("b-results-1"), ElementsAre("a", "b"));
}

TEST_F(ResultLogTest, AFullRecordIsFollowedByTheNext) {
  Settle();
  Store(20, 4000);
  EXPECT_TRUE(log_->Empty());
  EXPECT_THAT(log_->records(), ElementsAre("b-results-1", "b-results-2"));
  EXPECT_EQ(Stored("b-results-1").size() + Stored("b-results-2").size(), 20u);
  EXPECT_LE((*api_.Find(Kind::Record, "b-results-1"))["results"].dump().size(), 65u * 1024);
  EXPECT_EQ(writes_, 2);

  Restart();
  Settle();
  EXPECT_EQ(log_->TakeLoaded().size(), 20u);
  Add("after");
  log_->Hurry();
  Settle();
  EXPECT_EQ(Stored("b-results-2").back(), "after");
}

TEST_F(ResultLogTest, ARecordThatIsLargerThanAnyOfNowIsReadAndFollowedByTheNext) {
  json results = json::array();
  for (int i = 0; i < 100; ++i) results.push_back(Built(std::to_string(i), 4000));
  api_.Put(Kind::Record, Record("b-results-1", results));
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
  EXPECT_THAT(log_->records(), ElementsAre());
  wire_->Reply(create, 403, Refusal("exceeded quota"));
  EXPECT_EQ(log_->lines(), 0);
  EXPECT_THAT(log_->records(), ElementsAre());
  wire_->Pass(seconds(2));
  Settle();
  EXPECT_EQ(log_->lines(), 1);
  EXPECT_EQ(log_->waiting(), 0u);
  EXPECT_THAT(log_->records(), ElementsAre("b-results-1"));
}

TEST_F(ResultLogTest, ARecordOfAnEarlierBatchOfTheNameIsLeftAloneAndPassedOver) {
  Settle();
  api_.Put(Kind::Record, Record("b-results-1", json::array({Built("z")}), "older"));
  Add("a");
  log_->Hurry();
  Settle();
  EXPECT_THAT(Stored("b-results-1"), ElementsAre("z"));
  EXPECT_THAT(Stored("b-results-2"), ElementsAre("a"));
  EXPECT_TRUE(log_->Empty());
  EXPECT_THAT(log_->records(), ElementsAre("b-results-2"));
  EXPECT_EQ(log_->lines(), 1);
}

TEST_F(ResultLogTest, WithoutItsKindNothingIsStoredAndThatIsATrouble) {
  Settle();
  const Command create = WriteOf("a");
  wire_->Reply(create, 404, Refusal("the server could not find the requested resource"));
  EXPECT_THAT(wire_->channel.FailingSince(), testing::Contains(testing::Key(Purpose::WriteResults)));
  wire_->Pass(seconds(2));
  Settle();
  EXPECT_TRUE(wire_->channel.FailingSince().empty());
  EXPECT_THAT(Stored("b-results-1"), ElementsAre("a"));
}

}  // namespace
}  // namespace imagebatch::cluster
