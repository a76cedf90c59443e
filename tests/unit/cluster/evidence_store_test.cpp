#include "cluster/store/evidence_store.h"

#include <gmock/gmock.h>

#include "cluster/objects/markers.h"
#include "cluster/objects/names.h"
#include "cluster/store/evidence_keeper.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using kube::Method;
using nlohmann::json;
using std::chrono::seconds;

constexpr const char* kRecords = "/apis/imagebatch.dev/v1alpha1/namespaces/builds/imagebatchrecords";

batch::Batch Batch() {
  batch::Batch batch;
  batch.ns = "builds";
  batch.name = "b";
  batch.uid = "u";
  return batch;
}

/// `count` records of evidence, the newest first.
json Stored(int count) {
  json items = json::array();
  for (int i = count; i > 0; --i) {
    items.push_back(
        {{"metadata",
          {{"name", "old-" + std::to_string(i)}, {"creationTimestamp", FormatTime(kBegin + seconds(i))}}}});
  }
  return {{"items", items}};
}

class EvidenceStoreTest : public testing::Test {
 protected:
  void Put(const std::string& text = "{}") {
    store_.Put({"abcdefghij", 2, "image", "a/b", text, "log"},
               [this](const std::string& refusal, Now) { done_.push_back(refusal); });
  }
  Command Ask() {
    store_.Step(wire_.now);
    return wire_.Only();
  }
  void Load(int count = 0) { wire_.Reply(Ask(), 200, Stored(count)); }

  const batch::Batch batch_ = Batch();
  Wire wire_;
  EvidenceStore store_{OwnerOf(batch_), wire_.channel};
  std::vector<std::string> done_;
};

TEST_F(EvidenceStoreTest, AsksNothingWhileThereIsNothingToStore) {
  store_.Step(wire_.now);
  EXPECT_TRUE(wire_.Silent());
  EXPECT_EQ(store_.Next(), std::nullopt);
}

TEST_F(EvidenceStoreTest, CreatesARecordThatTheBatchOwns) {
  Put();
  const Command list = Ask();
  EXPECT_EQ(list.request.path,
            std::string(kRecords) +
                "?labelSelector=imagebatch.dev%2Fbatch-uid%3Du%2Cimagebatch.dev%2Frecord%3Devidence");
  wire_.Reply(list, 200, Stored(0));
  const Command create = Ask();
  EXPECT_EQ(create.request.method, Method::Post);
  EXPECT_EQ(create.request.path, kRecords);
  const json object = Body(create);
  EXPECT_EQ(object["metadata"]["name"], "b-evidence-abcdefghij-2");
  EXPECT_EQ(object["metadata"]["ownerReferences"][0]["uid"], "u");
  EXPECT_EQ(object["metadata"]["labels"], json({{"imagebatch.dev/batch-uid", "u"},
                                                {"imagebatch.dev/batch", "b"},
                                                {"imagebatch.dev/record", "evidence"},
                                                {"imagebatch.dev/stage", "image"},
                                                {"imagebatch.dev/name", "a_b"},
                                                {"imagebatch.dev/build", "abcdefghij"},
                                                {"imagebatch.dev/attempt", "2"}}));
  EXPECT_EQ(object["kind"], "ImageBatchRecord");
  EXPECT_EQ(object["type"], "Evidence");
  EXPECT_EQ(object["evidence"], "{}");
  EXPECT_EQ(object["log"], "log");
  EXPECT_TRUE(done_.empty());
  wire_.Reply(create, 201, object);
  EXPECT_EQ(done_, std::vector<std::string>{""});
  EXPECT_EQ(store_.Next(), std::nullopt);
}

TEST_F(EvidenceStoreTest, ALostReplyIsFollowedByTheSameCreateAndThenAPatch) {
  Put();
  Load();
  wire_.Lose(Ask());
  EXPECT_EQ(store_.Next(), wire_.now.steady + seconds(1));
  store_.Step(wire_.now);
  EXPECT_TRUE(wire_.Silent());
  wire_.Pass(seconds(1));
  const Command again = Ask();
  EXPECT_EQ(again.request.method, Method::Post);
  wire_.Reply(again, 409, Refusal("already exists"));
  const Command patch = Ask();
  EXPECT_EQ(patch.request.method, Method::Patch);
  EXPECT_EQ(patch.request.path, std::string(kRecords) + "/b-evidence-abcdefghij-2");
  EXPECT_EQ(patch.request.content_type, "application/merge-patch+json");
  wire_.Reply(patch, 200, Body(patch));
  EXPECT_EQ(done_, std::vector<std::string>{""});
}

TEST_F(EvidenceStoreTest, TheNewestOfAnAttemptReplacesTheOneBefore) {
  Put();
  Load();
  wire_.Reply(Ask(), 201, json::object());
  Put("{\"newer\":1}");
  const Command patch = Ask();
  EXPECT_EQ(patch.request.method, Method::Patch);
  EXPECT_EQ(Body(patch)["evidence"], "{\"newer\":1}");
  wire_.Reply(patch, 404, Refusal("not found"));  // deleted by hand
  EXPECT_EQ(Ask().request.method, Method::Post);
}

TEST_F(EvidenceStoreTest, TheOldestGivesWayBeforeTheTwentyFirstIsCreated) {
  Put();
  Load(kKeptEvidence);
  const Command remove = Ask();
  EXPECT_EQ(remove.request.method, Method::Delete);
  EXPECT_EQ(remove.request.path, std::string(kRecords) + "/old-1");
  wire_.Reply(remove, 404, Refusal("gone already"));
  EXPECT_EQ(Ask().request.method, Method::Post);
}

TEST_F(EvidenceStoreTest, WithoutItsKindItIsRefusedAndNothingWaits) {
  Put();
  wire_.Reply(Ask(), 404, Refusal("the server could not find the requested resource"));
  EXPECT_EQ(done_, std::vector<std::string>{"the server could not find the requested resource"});
}

TEST_F(EvidenceStoreTest, WhatIsRefusedIsToldOnceAndNotTriedAgain) {
  Put();
  Load();
  wire_.Reply(Ask(), 403, Refusal("exceeded quota"));
  EXPECT_EQ(done_, std::vector<std::string>{"exceeded quota"});
  store_.Step(wire_.now);
  EXPECT_TRUE(wire_.Silent());
}

class EvidenceKeeperTest : public testing::Test {
 protected:
  EvidenceKeeperTest() {
    job_.name = "b-abcdefghij-2";
    job_.build = "abcdefghij";
    job_.attempt = 2;
    pod_.ns = "builds";
    pod_.name = "p";
    pod_.container = "build";
    pod_.marker = "m1";
    outcome_.cause = plan::Cause::Hang;
    outcome_.runner = {{"verdict", "Hung"}, {"class", "Idle"}, {"since", "2020-01-01T00:00:00Z"}};
    outcome_.hung_since = kBegin;
  }

  Command Ask() {
    keeper_.Step(wire_.now);
    return wire_.Only();
  }
  void Print(const Command& read, const std::string& log) {
    wire_.requests.Deliver(read.id, kube::Response{200, log, std::nullopt}, wire_.now);
  }
  /// Answers the list and the write; what was stored.
  json Store() {
    wire_.Reply(Ask(), 200, Stored(0));
    const Command write = Ask();
    wire_.Reply(write, 201, json::object());
    return Body(write);
  }
  static std::string Line(const std::string& marker) {
    return R"(2020-01-01T00:00:00.5Z {"imagebatch":"evidence","marker":")" + marker +
           R"(","verdict":"Hung","class":"Deadlock","since":"2020-01-01T00:00:00Z"})" + "\n";
  }

  const batch::Batch batch_ = Batch();
  Wire wire_;
  const Builds builds_{batch_, {}};
  EvidenceKeeper keeper_{batch_, builds_, wire_.channel};
  JobView job_;
  PodView pod_;
  Outcome outcome_;
};

TEST_F(EvidenceKeeperTest, OfARunningBuildTheLogsEndIsAddedAndBothAreStored) {
  const auto reference =
      keeper_.Keep(job_, pod_, {{Verdict::Kind::Hang, "Idle", "r", "m", kBegin}, "{\"a\":1}\n"});
  EXPECT_EQ(reference.record, "b-evidence-abcdefghij-2");
  EXPECT_EQ(reference.sha256, Sha256("{\"a\":1}\n"));
  const Command end = Ask();
  EXPECT_EQ(end.request.path,
            "/api/v1/namespaces/builds/pods/p/"
            "log?container=build&timestamps=true&tailLines=2000&limitBytes=262144");
  Print(end, "2020-01-01T00:00:00Z last words, token=abc m1\n");
  const json stored = Store();
  EXPECT_EQ(stored["evidence"], "{\"a\":1}\n");
  EXPECT_EQ(stored["log"], "last words, token=*** ***\n");
  EXPECT_FALSE(keeper_.Busy(job_.name));
  EXPECT_EQ(keeper_.TakeSettled(), std::vector<std::string>{job_.name});
  EXPECT_EQ(keeper_.Forget(job_.name).record, "b-evidence-abcdefghij-2");
  EXPECT_EQ(keeper_.Forget(job_.name).sha256, "");
}

TEST_F(EvidenceKeeperTest, OfAnEndedBuildTheLogIsSearchedFromBeforeItsVerdict) {
  keeper_.KeepEnded(job_, pod_, outcome_);
  EXPECT_TRUE(keeper_.Busy(job_.name));
  const Command search = Ask();
  EXPECT_NE(search.request.path.find("sinceTime=2019-12-31T23:59:45Z"), std::string::npos)
      << search.request.path;
  Print(search, Line("m1") + Line("another"));
  Print(Ask(), Line("m1") + "2020-01-01T00:00:01Z Thread 0x1 (most recent call first):\n");
  const json stored = Store();
  EXPECT_EQ(json::parse(stored["evidence"].get<std::string>())["class"], "Deadlock");
  EXPECT_THAT(stored["log"].get<std::string>(), testing::HasSubstr("most recent call first"));
  EXPECT_EQ(stored.dump().find("m1"), std::string::npos);
}

TEST_F(EvidenceKeeperTest, WithoutALogTheRunnersAccountIsTheEvidence) {
  keeper_.KeepEnded(job_, pod_, outcome_);
  for (int i = 0; i < 4; ++i) {
    wire_.Reply(Ask(), 500, Refusal("the kubelet does not answer"));
    wire_.Pass(seconds(30));
  }
  wire_.Reply(Ask(), 500, Refusal("the kubelet does not answer"));
  wire_.Pass(seconds(30));
  wire_.Reply(Ask(), 404, Refusal("the Pod is gone"));
  const json stored = Store();
  EXPECT_EQ(json::parse(stored["evidence"].get<std::string>()), outcome_.runner);
  EXPECT_EQ(stored["log"], "");
}

TEST_F(EvidenceKeeperTest, AnEndThatWasCutIsReadAgainWithFewerLines) {
  keeper_.Keep(job_, pod_, {{Verdict::Kind::Hang, "Looping", "r", "m", kBegin}, "{}"});
  Print(Ask(), "2020-01-01T00:00:00Z " + std::string(256 * 1024, 'x'));
  const Command fewer = Ask();
  EXPECT_NE(fewer.request.path.find("tailLines=500&"), std::string::npos) << fewer.request.path;
  Print(fewer, "2020-01-01T00:00:00Z end\n");
  EXPECT_EQ(Store()["log"], "end\n");
}

TEST_F(EvidenceKeeperTest, OfManyThatHangTogetherFewLogsAreHeldAtATimeAndOnlyThoseThatAreKeptAreRead) {
  constexpr size_t kHung = 500, kMost = 4;
  for (size_t i = 0; i < kHung; ++i) {
    JobView job = job_;
    job.build = "build" + std::to_string(1000 + i);
    job.name = "b-" + job.build;
    keeper_.Keep(job, pod_, {{Verdict::Kind::Hang, "Idle", "r", "m", kBegin}, "{}"});
  }
  std::vector<Command> reads;
  std::vector<std::string> settled;
  size_t held = 0, stored = 0, most = 0, failed = 0;
  for (int round = 0; round < 1000 && settled.size() < kHung; ++round) {
    keeper_.Step(wire_.now);
    for (std::string& job : keeper_.TakeSettled()) settled.push_back(std::move(job));
    for (Command& command : wire_.requests.Take()) {
      if (command.purpose == Purpose::ReadLog) {
        reads.push_back(std::move(command));
      } else if (command.purpose == Purpose::WriteEvidence) {
        wire_.Reply(command, 201, json::object());
        ++stored;
        --held;
      } else {
        wire_.Reply(command, 200, Stored(0));
      }
    }
    most = std::max(most, held + reads.size());
    if (!reads.empty()) {
      if (failed < 10) {
        ++failed;
        wire_.Reply(reads.front(), 500, Refusal("the node does not answer"));
      } else {
        Print(reads.front(), "2020-01-01T00:00:00Z end\n");
        ++held;
      }
      reads.erase(reads.begin());
    }
    wire_.Pass(seconds(1));
  }
  EXPECT_EQ(settled.size(), kHung) << "none waits for its evidence for ever";
  EXPECT_TRUE(keeper_.Idle());
  EXPECT_EQ(stored, kKeptEvidence + kMost);
  EXPECT_EQ(most, kMost);
  for (size_t i = 0; i < kHung; ++i) {
    const bool kept = i < kMost || i >= kHung - kKeptEvidence;  // the first were read at once
    const std::string name = keeper_.Forget("b-build" + std::to_string(1000 + i)).record;
    EXPECT_NE(kept, name.empty()) << "what will never be there is not named: " << i;
  }
}

TEST_F(EvidenceKeeperTest, WhatIsRefusedIsNamedNowhereAndTold) {
  keeper_.Keep(job_, pod_, {{Verdict::Kind::Hang, "Idle", "r", "m", kBegin}, "{}"});
  Print(Ask(), "");
  wire_.Reply(Ask(), 200, Stored(0));
  wire_.Reply(Ask(), 403, Refusal("exceeded quota"));
  EXPECT_FALSE(keeper_.Busy(job_.name));
  const auto refused = keeper_.TakeRefused();
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].message, "exceeded quota");
  const auto reference = keeper_.Forget(job_.name);
  EXPECT_EQ(reference.record, "");
  EXPECT_EQ(reference.sha256, Sha256("{}"));
}

TEST(MarkersTest, NoTwoAreTheSame) {
  Markers one("secret"), other("another secret");
  const std::string first = one.Next("j");
  EXPECT_EQ(first.size(), 32U);
  EXPECT_NE(one.Next("j"), first) << "the number of a Job that was deleted is used again";
  EXPECT_NE(other.Next("j"), first);
}

}  // namespace
}  // namespace imagebatch::cluster
