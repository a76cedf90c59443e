#include "cluster/batch_control.h"

#include <gmock/gmock.h>

#include "cluster/names.h"
#include "cluster/parse.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using kube::Method;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::IsEmpty;
using Kind = simulation::ApiServer::Kind;

json Object() {
  const json pod = {
      {"spec", {{"containers", {{{"name", "build"}, {"image", "i"}, {"command", {"x", "$(image)"}}}}}}}};
  return {{"apiVersion", "imagebatch.dev/v1alpha1"},
          {"kind", "ImageBatch"},
          {"metadata", {{"name", "b"}, {"namespace", "builds"}, {"generation", 1}}},
          {"spec",
           {{"parallelism", 1},
            {"images", {{"rows", {{{"name", "a"}}, {{"name", "b"}}}}}},
            {"stages", {{{"name", "image"}, {"image", "r.example/image:$(name)"}, {"template", pod}}}},
            {"backoffLimit", 0},
            {"infrastructureRetryLimit", 0},
            {"ttlSecondsAfterFinished", -1}}}};
}

/// Enough for what is not delayed on purpose.
constexpr milliseconds kMoment(500);

/// One batch, controlled, on an API server without faults; the test plays the Job controller and the kubelet.
class BatchControlTest : public testing::Test {
 protected:
  void Create(json object) {
    api_.Put(Kind::Batch, std::move(object));
    Restart();
  }

  /// A new process, which lists what is there.
  void Restart() {
    control_.reset();
    requests_.Take();
    control_ = std::make_unique<BatchControl>(*api_.Find(Kind::Batch, "b"), kit_, requests_, totals_);
    for (const auto& [name, job] : api_.All(Kind::Job))
      control_->OnJob(Change::Upsert, *ParseJob(job.dump()), now_);
    for (const auto& [name, pod] : api_.All(Kind::Pod))
      control_->OnPod(Change::Upsert, *ParsePod(pod.dump()), now_);
    Run(kMoment);
  }

  /// Lets everything happen that needs no time.
  void Settle() {
    for (int round = 0; round < 200; ++round) {
      control_->Step(true, now_);
      const std::vector<Command> sent = requests_.Take();
      if (sent.empty()) return;
      for (const Command& command : sent) {
        Note(command.request);
        const bool refused = refuse_jobs_ && command.request.method == Method::Post &&
                             command.request.path == "/apis/batch/v1/namespaces/builds/jobs";
        const kube::Response response =
            refused ? kube::Response{403, Refusal("exceeded quota").dump(), std::nullopt}
                    : api_.Handle(command.request, now_.wall);
        requests_.Deliver(command.id, response, now_);
        control_->OnReply();
      }
    }
    FAIL() << "it does not come to rest";
  }

  /// Lets time pass, stopping wherever something is to be done.
  void Run(Duration time) {
    const SteadyTime end = now_.steady + time;
    for (int stops = 0;; ++stops) {
      ASSERT_LT(stops, 3000) << "it spins";
      Settle();
      const auto next = control_->Next(now_);
      if (!next || *next > end) break;
      Pass(std::max<Duration>(std::chrono::ceil<milliseconds>(*next - now_.steady), milliseconds(0)));
    }
    Pass(std::chrono::duration_cast<Duration>(end - now_.steady));
    Settle();
  }

  void Pass(Duration time) {
    now_.wall += time;
    now_.steady += time;
  }

  void Note(const kube::Request& request) {
    if (request.method == Method::Get || request.path.ends_with("/events") ||
        request.path.ends_with("/status"))
      return;
    if (request.path.find("dryRun") != std::string::npos) return;
    const char* verb = request.method == Method::Post     ? "create"
                       : request.method == Method::Delete ? "delete"
                                                          : "patch";
    const std::string path = request.path.substr(0, request.path.find('?'));
    const std::string key = "/namespaces/builds/";
    writes_.push_back(std::string(verb) + " " + path.substr(path.find(key) + key.size()));
  }

  void OnWatch(Kind kind, Change change, const json& object) {
    if (!control_) return;
    if (kind == Kind::Batch && change == Change::Upsert) control_->OnObject(object);
    if (kind == Kind::Job) control_->OnJob(change, *ParseJob(object.dump()), now_);
  }

  std::vector<std::string> Jobs() const {
    std::vector<std::string> names;
    for (const auto& [name, job] : api_.All(Kind::Job)) names.push_back(name);
    return names;
  }

  std::string JobOf(const std::string& row) const {
    for (const auto& [name, job] : api_.All(Kind::Job)) {
      if (job["metadata"]["annotations"]["imagebatch.dev/name"] == row) return name;
    }
    return {};
  }

  void EndJob(const std::string& row, const char* condition) {
    ASSERT_NE(JobOf(row), "") << row;
    json job = *api_.Find(Kind::Job, JobOf(row));
    job["status"]["conditions"] = {{{"type", condition},
                                    {"status", "True"},
                                    {"reason", "BackoffLimitExceeded"},
                                    {"message", "m"},
                                    {"lastTransitionTime", FormatTime(now_.wall)}}};
    api_.Put(Kind::Job, std::move(job));
    Run(kMoment);
  }

  void ChangeSpec(const json& patch) {
    json object = *api_.Find(Kind::Batch, "b");
    object["spec"].merge_patch(patch);
    object["metadata"]["generation"] = object["metadata"]["generation"].get<int>() + 1;
    api_.Put(Kind::Batch, std::move(object));
    Run(kMoment);
  }

  json Status() const { return api_.All(Kind::Batch).at("b").value("status", json::object()); }

  /// "True: reason: message" of a condition.
  std::string Condition(const std::string& type) const {
    const json status = Status();
    for (const json& condition : status["conditions"]) {
      if (condition["type"] == type) {
        return condition["status"].get<std::string>() + ": " + condition["reason"].get<std::string>() + ": " +
               condition["message"].get<std::string>();
      }
    }
    return "none";
  }

  simulation::ApiServer api_{
      [this](Kind kind, Change change, const json& object) { OnWatch(kind, change, object); }};
  Now now_{kBegin, SteadyTime(std::chrono::hours(1))};
  RunnerKit kit_{"runner:1", Markers("secret")};
  Requests requests_;
  metrics::Totals totals_;
  std::unique_ptr<BatchControl> control_;
  std::vector<std::string> writes_;  // in their order, without those of the status and the Events
  bool refuse_jobs_ = false;
};

size_t Index(const std::vector<std::string>& writes, const std::string& what) {
  return static_cast<size_t>(std::find(writes.begin(), writes.end(), what) - writes.begin());
}

TEST_F(BatchControlTest, ABatchFromItsStartToItsEnd) {
  Create(Object());
  EXPECT_EQ(Status()["startTime"], "2020-01-01T00:00:00Z");
  EXPECT_EQ(Jobs().size(), 1u) << "parallelism is 1";
  EndJob("a", "Complete");
  EXPECT_EQ(Jobs().size(), 2u);
  EXPECT_EQ(Status()["total"], 2);
  Run(minutes(1));
  EndJob("b", "Complete");
  EXPECT_EQ(Condition("Complete"), "True: AllSucceeded: 2 of 2 builds succeeded, 0 failed");
  EXPECT_EQ(Status()["completionTime"], "2020-01-01T00:01:01Z");
  EXPECT_EQ(Status()["results"]["lines"], 2);
  EXPECT_NE(api_.Find(Kind::ConfigMap, "b-results-1"), nullptr);
}

TEST_F(BatchControlTest, ARestartChangesNothingOfAFinishedBatch) {
  Create(Object());
  EndJob("a", "Complete");
  EndJob("b", "Failed");
  Run(seconds(1));
  EXPECT_EQ(Condition("Failed"), "True: BuildsFailed: 1 of 2 builds succeeded, 1 failed");
  Pass(minutes(1));
  const json status = Status();
  writes_.clear();
  for (const std::string& job : Jobs()) api_.Remove(Kind::Job, job);
  Restart();
  Run(minutes(1));
  EXPECT_EQ(Status(), status) << json::diff(status, Status()).dump(2);
  EXPECT_THAT(writes_, IsEmpty()) << "what is stored is not built again";
}

TEST_F(BatchControlTest, AtTheDeadlineResultsAreStoredBeforeJobsAreDeleted) {
  json object = Object();
  object["spec"]["activeDeadlineSeconds"] = 60;
  Create(object);
  const std::string job = JobOf("a");
  Run(seconds(59));
  EXPECT_EQ(Jobs().size(), 1u);
  Run(seconds(1));
  EXPECT_THAT(Jobs(), IsEmpty());
  ASSERT_THAT(writes_, Contains("create configmaps"));
  EXPECT_LT(Index(writes_, "create configmaps"), Index(writes_, "delete jobs/" + job));
  Run(seconds(1));
  EXPECT_EQ(Condition("Failed"),
            "True: DeadlineExceeded: 0 of 2 builds succeeded, 2 failed or were not built before "
            "activeDeadlineSeconds had passed");

  writes_.clear();
  const json status = Status();
  Run(minutes(30));
  EXPECT_THAT(writes_, IsEmpty()) << "after its end nothing begins";
  EXPECT_EQ(Status(), status);
  Restart();
  Run(minutes(30));
  EXPECT_THAT(writes_, IsEmpty());
  EXPECT_EQ(Status(), status);
}

TEST_F(BatchControlTest, TheDeadlineEndsABatchWhoseJobsAreRefused) {
  refuse_jobs_ = true;
  json object = Object();
  object["spec"]["activeDeadlineSeconds"] = 60;
  Create(object);
  Run(seconds(59));
  EXPECT_THAT(writes_, Contains("create jobs"));
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
  Run(seconds(62));
  EXPECT_EQ(Condition("Failed").substr(0, 23), "True: DeadlineExceeded:") << Condition("Failed");
  writes_.clear();
  Run(minutes(5));
  EXPECT_THAT(writes_, IsEmpty());
}

TEST_F(BatchControlTest, ALaterDeadlineLetsTheRestRun) {
  json object = Object();
  object["spec"]["activeDeadlineSeconds"] = 60;
  Create(object);
  Run(seconds(62));
  EXPECT_EQ(Condition("Failed").substr(0, 23), "True: DeadlineExceeded:");
  ChangeSpec({{"activeDeadlineSeconds", 600}});
  EXPECT_EQ(Jobs().size(), 1u) << "the build that had not begun";
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
}

TEST_F(BatchControlTest, AFinishedBatchIsDeletedAfterItsTimeToLive) {
  json object = Object();
  object["spec"]["ttlSecondsAfterFinished"] = 3600;
  Create(object);
  EndJob("a", "Complete");
  EndJob("b", "Complete");
  Run(seconds(3590));
  EXPECT_NE(api_.Find(Kind::Batch, "b"), nullptr);
  Run(seconds(20));
  EXPECT_EQ(api_.Find(Kind::Batch, "b"), nullptr);
  EXPECT_EQ(std::count(writes_.begin(), writes_.end(), "delete imagebatches/b"), 1);
}

TEST_F(BatchControlTest, ABatchWhoseInputHasChangedStopsAndGoesOnWhenItIsRestored) {
  Create(Object());
  const json images = Object()["spec"]["images"];
  ChangeSpec({{"images", {{"rows", {{{"name", "a"}}, {{"name", "z"}}}}}}});
  EXPECT_EQ(Condition("Failed").substr(0, 19), "True: InputChanged:");
  EndJob("a", "Complete");
  Run(minutes(1));
  EXPECT_EQ(Jobs().size(), 1u) << "nothing new is started";
  EXPECT_EQ(Status()["succeeded"], 1) << "what runs is still followed";
  ChangeSpec({{"images", images}});
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
  EXPECT_EQ(Jobs().size(), 2u);
}

/// A batch of rows a and b from a ConfigMap, and that ConfigMap with the name of its second row.
json FromConfigMap() {
  json object = Object();
  object["spec"]["images"] = {{"configMaps", {{{"name", "rows"}, {"key", "k"}}}}};
  return object;
}
json Rows(const std::string& second) {
  return {{"metadata", {{"name", "rows"}, {"namespace", "builds"}}},
          {"data", {{"k", "{\"name\": \"a\"}\n{\"name\": \"" + second + "\"}"}}}};
}

TEST_F(BatchControlTest, RowsThatChangedWhileNobodyLookedAreFoundAtTheNextStart) {
  api_.Put(Kind::ConfigMap, Rows("b"));
  Create(FromConfigMap());
  EndJob("a", "Complete");
  Run(seconds(10));
  api_.Put(Kind::ConfigMap, Rows("c"));
  Restart();
  EXPECT_EQ(Condition("Failed").substr(0, 19), "True: InputChanged:");
  EXPECT_EQ(Status()["succeeded"], 1) << "the counts stay as they were";
  EndJob("b", "Complete");
  Run(minutes(5));
  EXPECT_EQ(Jobs().size(), 2u);
  api_.Put(Kind::ConfigMap, Rows("b"));
  Run(seconds(31));
  EXPECT_EQ(Condition("Complete").substr(0, 5), "True:");
}

TEST_F(BatchControlTest, AFinishedBatchNeedsItsInputNoMore) {
  for (const bool gone : {true, false}) {
    api_.Put(Kind::ConfigMap, Rows("b"));
    json object = FromConfigMap();
    object["spec"]["ttlSecondsAfterFinished"] = 3600;
    Create(object);
    EndJob("a", "Complete");
    EndJob("b", "Complete");
    EXPECT_EQ(Condition("Complete").substr(0, 5), "True:");
    const json status = Status();
    if (gone) {
      api_.Remove(Kind::ConfigMap, "rows");
    } else {
      api_.Put(Kind::ConfigMap, Rows("c"));
    }
    Restart();
    Run(minutes(10));
    EXPECT_EQ(Status(), status);
    Run(minutes(60));
    EXPECT_EQ(api_.Find(Kind::Batch, "b"), nullptr) << "its time to live has passed";
    for (const std::string& job : Jobs()) api_.Remove(Kind::Job, job);  // as the garbage collector does
    api_.Remove(Kind::ConfigMap, "b-results-1");
  }
}

TEST_F(BatchControlTest, AnInvalidBatchIsToldOnceAndMendedByItsNextSpec) {
  json object = Object();
  object["spec"]["stages"][0]["image"] = "r.example/image:$(nmae)";
  Create(object);
  Run(minutes(5));
  EXPECT_EQ(Condition("Failed").substr(0, 14), "True: Invalid:");
  EXPECT_NE(Condition("Failed").find("nmae"), std::string::npos) << Condition("Failed");
  EXPECT_THAT(writes_, IsEmpty());
  EXPECT_FALSE(Status().contains("startTime"));
  ChangeSpec({{"stages", Object()["spec"]["stages"]}});
  EXPECT_EQ(Jobs().size(), 1u);
  EXPECT_EQ(Condition("Failed").substr(0, 5), "False");
}

TEST_F(BatchControlTest, ABatchThatIsBeingDeletedStartsNothing) {
  Create(Object());
  EndJob("a", "Complete");
  json object = *api_.Find(Kind::Batch, "b");
  object["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z";
  api_.Put(Kind::Batch, object);
  writes_.clear();
  EndJob("b", "Failed");
  Run(minutes(1));
  for (const std::string& write : writes_) EXPECT_NE(write, "create jobs");
}

TEST_F(BatchControlTest, AHungBuildShowsWithItsEvidenceUntilItGoesOn) {
  Create(Object());
  const std::string job = JobOf("a");
  json pod = (*api_.Find(Kind::Job, job))["spec"]["template"];
  pod["metadata"]["name"] = "p";
  pod["metadata"]["namespace"] = "builds";
  pod["metadata"]["ownerReferences"] = {{{"kind", "Job"}, {"name", job}, {"uid", "j"}, {"controller", true}}};
  const auto be = [&](bool ready) {
    const std::string now = FormatTime(now_.wall);
    pod["status"] = {{"conditions", {{{"type", "Ready"}, {"lastTransitionTime", now}}}},
                     {"containerStatuses",
                      {{{"name", "build"},
                        {"ready", ready},
                        {"state", {{"running", {{"startedAt", FormatTime(kBegin)}}}}}}}}};
    api_.Put(Kind::Pod, pod);
    control_->OnPod(Change::Upsert, *ParsePod(api_.Find(Kind::Pod, "p")->dump()), now_);
    Run(kMoment);
  };
  be(true);
  const std::string marker = pod["spec"]["containers"][0]["env"][0]["value"];
  const auto said = [&](const std::string& by) {
    return R"({"imagebatch":"evidence","marker":")" + by +
           R"(","verdict":"Hung","class":"Deadlock","since":")" + FormatTime(now_.wall) + "\"}";
  };
  api_.Print("p", said("forged"), now_.wall);
  be(false);
  EXPECT_EQ(Status()["hungBuilds"], json::array()) << "what the build prints is not believed";
  api_.Print("p", said(marker), now_.wall);
  Run(seconds(6));
  ASSERT_EQ(Status()["hungBuilds"].size(), 1U);
  const json hung = Status()["hungBuilds"][0];
  EXPECT_EQ(hung["class"], "Deadlock");
  const json* kept = api_.Find(Kind::ConfigMap, hung["evidence"]["configMap"]);
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(hung["evidence"]["sha256"], Sha256((*kept)["data"]["evidence.json"].get<std::string>()));
  EXPECT_EQ(kept->dump().find(marker), std::string::npos);
  be(true);
  EXPECT_EQ(Status()["hungBuilds"], json::array());
  EXPECT_NE(api_.Find(Kind::ConfigMap, hung["evidence"]["configMap"]), nullptr) << "it stays";
}

}  // namespace
}  // namespace imagebatch::cluster
