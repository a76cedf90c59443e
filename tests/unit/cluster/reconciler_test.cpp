#include "cluster/control/reconciler.h"

#include <gmock/gmock.h>

#include "support/allocations.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

class ReconcilerTest : public testing::Test {
 protected:
  void See(const std::string& uid) {
    json object = Batch("b-" + uid);
    object["metadata"]["uid"] = uid;
    reconciler_.Observe(BatchSeen{Change::Upsert, object}, now_);
  }
  void SeeJob(const std::string& uid, const std::string& name, const std::string& ns = "builds") {
    JobView job;
    job.ns = ns;
    job.name = name;
    job.batch_uid = uid;
    job.version = 1;
    reconciler_.Observe(JobSeen{Change::Upsert, job}, now_);
  }

  /// Steps and answers all with 503 until nothing more is asked.
  void Settle() {
    for (int round = 0; round < 100; ++round) {
      const std::vector<Command> sent = reconciler_.Step(now_);
      if (sent.empty()) return;
      for (const Command& command : sent)
        reconciler_.Observe(Replied{command.id, kube::Response{503, "{}", std::nullopt}}, now_);
    }
    FAIL() << "it does not come to rest";
  }

  metrics::Snapshot Fill() {
    metrics::Snapshot snapshot;
    reconciler_.Fill(snapshot);
    return snapshot;
  }

  static json Batch(const std::string& name) {
    const json pod = {{"spec", {{"containers", {{{"name", "build"}, {"image", "i"}, {"command", {"x"}}}}}}}};
    return {{"metadata", {{"name", name}, {"namespace", "builds"}, {"generation", 1}}},
            {"spec",
             {{"images", {{"configMaps", {{{"name", "rows"}, {"key", "k"}}}}}},
              {"stages", {{{"name", "image"}, {"image", "r.example/i:$(name)"}, {"template", pod}}}}}}};
  }

  Reconciler reconciler_{RunnerSource{"runner:1"}, "secret"};
  Now now_{kBegin, SteadyTime(std::chrono::hours(1))};
};

TEST_F(ReconcilerTest, WhatWaitsForOtherBatchesCostsANewOneNothing) {
  const size_t alone = Allocates([&] { See("first"); });
  for (int i = 0; i < 2000; ++i) SeeJob("other", "job-" + std::to_string(i));
  const size_t beside = Allocates([&] { See("second"); });
  EXPECT_LE(beside, alone + alone / 2);
}

TEST_F(ReconcilerTest, OnlyBatchesThatHaveChangedAreShownAnew) {
  for (int i = 0; i < 50; ++i) See(std::to_string(i));
  Settle();
  const metrics::Snapshot before = Fill();
  SeeJob("7", "job");
  Settle();
  const metrics::Snapshot after = Fill();
  int anew = 0;
  for (size_t i = 0; i < 50; ++i) {
    if (before.batches[i] == after.batches[i]) continue;
    ++anew;
    EXPECT_EQ(after.batches[i]->name, "b-7");
  }
  EXPECT_EQ(anew, 1);
}

TEST_F(ReconcilerTest, ARoundWithoutNewsDoesNothingHoweverManyBatchesThereAre) {
  for (int i = 0; i < 50; ++i) See(std::to_string(i));
  Settle();
  Fill();
  EXPECT_EQ(Allocates([&] { static_cast<void>(reconciler_.Step(now_)); }), 0u);
}

TEST(ParkedTest, AStrangersObjectTakesNoPlace) {
  ParkedObjects parked;
  JobView job;
  job.name = "j";
  for (const char* ns : {"builds", "stranger"}) {
    job.ns = ns;
    ++job.version;
    parked.jobs.Put({Change::Upsert, job});
  }
  parked.jobs.Keep("builds");
  ASSERT_EQ(parked.jobs.size(), 1u);
  parked.jobs.TakeEach([](const JobSeen& seen) { EXPECT_EQ(seen.view.ns, "builds"); });
}

}  // namespace
}  // namespace imagebatch::cluster
