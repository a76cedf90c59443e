#include "cluster/store/status_object.h"

#include <gmock/gmock.h>

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::minutes;

constexpr Time kNow{std::chrono::hours(24 * 365 * 50)};  // 2019-12-20T00:00:00Z

plan::Counts Counts(int64_t waiting, int64_t queued, int64_t pending, int64_t running, int64_t succeeded,
                    int64_t failed) {
  plan::Counts counts;
  counts.by_state = {waiting, queued, 0, pending, running, succeeded, 0, failed};
  return counts;
}

Summary Running() {
  Summary summary;
  summary.generation = 3;
  summary.stages = {"env", "image"};
  summary.counts = {Counts(0, 0, 0, 0, 2, 1), Counts(3, 1, 2, 4, 5, 1)};
  summary.counts[1].retried = 2;
  summary.slow = {0, 1};
  summary.slow_builds = {{"image", "s", "p1", 1, kNow - minutes(4), 60}};
  summary.end = plan::Estimate{kNow + minutes(1), kNow + minutes(2) + Duration(499), kNow + minutes(3)};
  summary.start = kNow - minutes(5);
  summary.input_digest = "0a";
  summary.result_records = {"b-results-1"};
  summary.result_lines = 9;
  return summary;
}

FlaggedEntry Hung(std::string name) {
  return {"image", std::move(name), "Idle", "p", "n", "nothing for 300 s", 1, kNow};
}

FlaggedEntry Stalled(std::string name) {
  return {"image", std::move(name), "Unschedulable", "p", "", "no node", 1, kNow};
}

json Condition(const json& status, const std::string& type) {
  for (const json& condition : status["conditions"]) {
    if (condition["type"] == type) return condition;
  }
  return nullptr;
}

TEST(StatusObjectTest, WhatRunsAgainIsReadBackAsItWas) {
  Summary summary = Running();
  for (const std::optional<Time>& since : {std::optional<Time>(), std::optional<Time>(kNow)}) {
    summary.rerun = {3, 1, 2, {"image/a", "env/b"}, since, "m"};
    const json rerun = StatusObject(summary, json::object(), kNow)["rerun"];
    EXPECT_EQ(RerunIn({{"rerun", rerun}}), summary.rerun);
    for (const json& field : rerun) EXPECT_FALSE(field.is_null()) << "the API server would leave it out";
  }
}

TEST(StatusObjectTest, OfARunningBatch) {
  const json expected = json::parse(R"json({
    "total": 19, "waiting": 3, "queued": 1, "held": 0, "pending": 2, "running": 4, "succeeded": 7, "skipped": 0, "failed": 2, "retried": 2, "hung": 0, "stalled": 0, "slow": 1,
    "stages": [
      {"name": "env", "total": 3, "waiting": 0, "queued": 0, "held": 0, "pending": 0, "running": 0, "succeeded": 2, "skipped": 0, "failed": 1, "slow": 0},
      {"name": "image", "total": 16, "waiting": 3, "queued": 1, "held": 0, "pending": 2, "running": 4, "succeeded": 5, "skipped": 0, "failed": 1, "slow": 1}],
    "hungBuilds": [], "hangGroups": [], "stalledBuilds": [], "failedBuilds": [],
    "slowBuilds": [{"stage": "image", "name": "s", "attempt": 1, "since": "2019-12-19T23:56:00Z", "pod": "p1", "medianSeconds": 60}],
    "estimatedCompletion": {"earliest": "2019-12-20T00:01:00Z", "likely": "2019-12-20T00:02:00Z", "latest": "2019-12-20T00:03:00Z"},
    "startTime": "2019-12-19T23:55:00Z", "lastProgressTime": null, "completionTime": null, "inputDigest": "0a",
    "inputDigestVersion": 2, "rerun": null,
    "results": {"records": ["b-results-1"], "lines": 9}, "observedGeneration": 3,
    "conditions": [
      {"type": "Complete", "status": "False", "reason": "NotFinished", "message": "7 of 19 builds succeeded, 2 failed",
       "lastTransitionTime": "2019-12-20T00:00:00Z", "observedGeneration": 3},
      {"type": "Failed", "status": "False", "reason": "NotFailed", "message": "7 of 19 builds succeeded, 2 failed",
       "lastTransitionTime": "2019-12-20T00:00:00Z", "observedGeneration": 3},
      {"type": "Suspended", "status": "False", "reason": "NotSuspended", "message": "",
       "lastTransitionTime": "2019-12-20T00:00:00Z", "observedGeneration": 3},
      {"type": "HungBuilds", "status": "False", "reason": "NoneHung", "message": "",
       "lastTransitionTime": "2019-12-20T00:00:00Z", "observedGeneration": 3},
      {"type": "StalledBuilds", "status": "False", "reason": "NoneStalled", "message": "",
       "lastTransitionTime": "2019-12-20T00:00:00Z", "observedGeneration": 3},
      {"type": "Degraded", "status": "False", "reason": "NotDegraded", "message": "",
       "lastTransitionTime": "2019-12-20T00:00:00Z", "observedGeneration": 3},
      {"type": "Ready", "status": "False", "reason": "Running", "message": "7 of 19 builds succeeded, 2 failed",
       "lastTransitionTime": "2019-12-20T00:00:00Z", "observedGeneration": 3},
      {"type": "Reconciling", "status": "True", "reason": "NotFinished", "message": "",
       "lastTransitionTime": "2019-12-20T00:00:00Z", "observedGeneration": 3},
      {"type": "Stalled", "status": "False", "reason": "NotFailed", "message": "",
       "lastTransitionTime": "2019-12-20T00:00:00Z", "observedGeneration": 3}]})json");
  const json status = StatusObject(Running(), json::object(), kNow);
  EXPECT_EQ(status, expected) << json::diff(expected, status).dump(2);
}

struct Expected {
  const char *type, *status, *reason, *message;
};

void ExpectConditions(const Summary& summary, const std::vector<Expected>& expected) {
  const json status = StatusObject(summary, json::object(), kNow);
  for (const Expected& one : expected) {
    const json condition = Condition(status, one.type);
    EXPECT_EQ(condition["status"], one.status) << one.type;
    EXPECT_EQ(condition["reason"], one.reason) << one.type;
    EXPECT_EQ(condition["message"], one.message) << one.type;
  }
}

TEST(StatusObjectTest, ConditionsOfABatchThatHasNotStarted) {
  ExpectConditions(Summary(), {{"Complete", "False", "NotFinished", "the batch has not started"},
                               {"Failed", "False", "NotFailed", "the batch has not started"}});
}

TEST(StatusObjectTest, ConditionsOfAnInvalidBatch) {
  Summary summary;
  summary.failed_reason = "Invalid";
  summary.failed_message = "spec.images.rows[1]: is named a, as spec.images.rows[0] is";
  ExpectConditions(
      summary, {{"Complete", "False", "Failed", "the batch has not started"},
                {"Failed", "True", "Invalid", "spec.images.rows[1]: is named a, as spec.images.rows[0] is"}});
}

TEST(StatusObjectTest, ConditionsOfAFinishedBatch) {
  Summary summary = Running();
  summary.counts = {Counts(0, 0, 0, 0, 2, 0)};
  summary.stages = {"env"};
  summary.finished = true;
  ExpectConditions(summary, {{"Complete", "True", "AllSucceeded", "2 of 2 builds succeeded, 0 failed"},
                             {"Failed", "False", "NotFailed", "2 of 2 builds succeeded, 0 failed"}});
  summary.failed_reason = "BuildsFailed";
  summary.failed_message = "m";
  ExpectConditions(summary, {{"Complete", "False", "Failed", "2 of 2 builds succeeded, 0 failed"},
                             {"Failed", "True", "BuildsFailed", "m"}});
}

TEST(StatusObjectTest, ConditionsOfASuspendedAndHungBatch) {
  Summary summary = Running();
  summary.suspended = true;
  summary.hung = 22;
  summary.hung_builds = {Hung("a"), Hung("b")};
  ExpectConditions(
      summary, {{"Suspended", "True", "Suspended", "spec.suspend is true: no new build is started"},
                {"HungBuilds", "True", "Idle", "build a of stage image: nothing for 300 s (and 21 more)"}});
}

TEST(StatusObjectTest, ABatchThatIsDegradedHasNotFailed) {
  Summary summary = Running();
  summary.degraded_reason = "ResultsNotStored";
  summary.degraded_message = "results cannot be stored (exceeded quota)";
  ExpectConditions(summary,
                   {{"Degraded", "True", "ResultsNotStored", "results cannot be stored (exceeded quota)"},
                    {"Failed", "False", "NotFailed", "7 of 19 builds succeeded, 2 failed"}});
}

TEST(StatusObjectTest, BeforeTheWorkIsKnownTheCountsStayAndDegradedIsShown) {
  const json before = StatusObject(Running(), json::object(), kNow);
  Summary unknown;
  unknown.degraded_reason = "RowsMissing";
  const json kept = KeptStatus(before, StatusObject(unknown, before, kNow + minutes(1)), false);
  EXPECT_EQ(Condition(kept, "Degraded")["reason"], "RowsMissing");
  EXPECT_EQ(Condition(kept, "Complete"), Condition(before, "Complete"));
  EXPECT_EQ(kept["succeeded"], before["succeeded"]);
  EXPECT_EQ(KeptStatus(before, StatusObject(Summary(), before, kNow + minutes(1)), false), before);
}

/// What kstatus makes of an object (sigs.k8s.io/cli-utils, pkg/kstatus/status/generic.go).
std::string Kstatus(const json& status) {
  const auto is = [&](const char* type, const char* value) {
    const json condition = Condition(status, type);
    return condition.is_object() && condition["status"] == value;
  };
  if (is("Reconciling", "True")) return "InProgress";
  if (is("Stalled", "True")) return "Failed";
  if (is("Ready", "False") || is("Ready", "Unknown")) return "InProgress";
  return "Current";
}

TEST(StatusObjectTest, KstatusTakesABatchForWhatItIs) {
  const auto of = [](const Summary& summary) { return Kstatus(StatusObject(summary, json::object(), kNow)); };
  Summary summary;
  EXPECT_EQ(of(summary), "InProgress") << "it has not started";
  EXPECT_EQ(Kstatus(KeptStatus(json::object(), StatusObject(summary, json::object(), kNow), false)),
            "InProgress")
      << "nor is its work known";
  summary = Running();
  EXPECT_EQ(of(summary), "InProgress");
  summary.stalled = 1;
  summary.stalled_builds = {Stalled("a")};
  EXPECT_EQ(of(summary), "InProgress") << "a Pod that finds no node has not failed";
  summary.degraded_reason = "ResultsNotStored";
  EXPECT_EQ(of(summary), "InProgress") << "it may pass";
  summary = Running();
  summary.finished = true;
  EXPECT_EQ(of(summary), "Current");
  summary.failed_reason = "BuildsFailed";
  EXPECT_EQ(of(summary), "Failed");
  summary.finished = false;
  summary.failed_reason = "Invalid";
  EXPECT_EQ(of(summary), "Failed");
}

TEST(StatusObjectTest, OneWordSaysHowABatchIs) {
  const auto word = [](const Summary& summary) {
    const json ready = Condition(StatusObject(summary, json::object(), kNow), "Ready");
    return ready["reason"].get<std::string>() + ": " + ready["message"].get<std::string>();
  };
  EXPECT_EQ(word(Summary()), "Pending: the batch has not started");
  Summary summary = Running();
  EXPECT_EQ(word(summary), "Running: 7 of 19 builds succeeded, 2 failed");
  summary.stalled = 2;
  summary.stalled_builds = {Stalled("s"), Stalled("t")};
  EXPECT_EQ(word(summary), "Stalled: build s of stage image: no node (and 1 more)");
  summary.hung = 1;
  summary.hung_builds = {Hung("a")};
  EXPECT_EQ(word(summary), "Hung: build a of stage image: nothing for 300 s");
  summary.degraded_reason = "ResultsNotStored";
  summary.degraded_message = "d";
  EXPECT_EQ(word(summary), "Degraded: d");
  summary.suspended = true;
  EXPECT_EQ(word(summary), "Suspended: 7 of 19 builds succeeded, 2 failed");
  summary.finished = true;
  EXPECT_EQ(word(summary), "Complete: 7 of 19 builds succeeded, 2 failed");
  summary.failed_reason = "BuildsFailed";
  summary.failed_message = "f";
  EXPECT_EQ(word(summary), "Failed: f");
}

TEST(StatusObjectTest, WhatHasBeenToldIsReadBack) {
  Summary summary = Running();
  summary.hung_builds = {Hung("a")};
  summary.hung_builds[0].evidence = {"b-evidence-abcdefghij-1", "0abc"};
  summary.stalled_builds = {Stalled("s")};
  const Told told = ToldIn(StatusObject(summary, json::object(), kNow));
  ASSERT_EQ(told.hung_builds.size(), 1u);
  EXPECT_EQ(told.hung_builds[0].evidence.sha256, "0abc");
  ASSERT_EQ(told.stalled_builds.size(), 1u);
  EXPECT_EQ(told.stalled_builds[0].class_name, "Unschedulable");
  EXPECT_EQ(told.stalled_builds[0].since, kNow);
}

TEST(StatusObjectTest, ListsHungAndFailedBuilds) {
  Summary summary = Running();
  summary.hung_builds = {Hung("a")};
  summary.failed_builds = {{"env", "x", "NeedFailed", "m", 0}};
  const json status = StatusObject(summary, json::object(), kNow);
  EXPECT_EQ(status["hungBuilds"],
            json::parse(R"([{"stage": "image", "name": "a", "attempt": 1, "class": "Idle",
      "since": "2019-12-20T00:00:00Z", "pod": "p", "node": "n", "message": "nothing for 300 s"}])"));
  summary.hung_builds[0].evidence = {"b-evidence-abcdefghij-1", "0abc"};
  EXPECT_EQ(StatusObject(summary, json::object(), kNow)["hungBuilds"][0]["evidence"],
            json({{"record", "b-evidence-abcdefghij-1"}, {"sha256", "0abc"}}));
  summary.hung_builds[0].alike = {"0123456789ab", "pip waits"};
  summary.hang_groups = {{{"0123456789ab", "pip waits"}, "Idle", 3, 2, kNow, kNow}};
  summary.hung = 2;
  const json grouped = StatusObject(summary, json::object(), kNow);
  EXPECT_EQ(grouped["hungBuilds"][0]["fingerprint"], "0123456789ab");
  EXPECT_EQ(grouped["hangGroups"], json::parse(R"([{"class": "Idle", "fingerprint": "0123456789ab",
      "summary": "pip waits", "count": 3, "hanging": 2,
      "first": "2019-12-20T00:00:00Z", "last": "2019-12-20T00:00:00Z"}])"));
  EXPECT_EQ(ToldIn(grouped).hung_builds[0].alike, (Alike{"0123456789ab", "pip waits"}));
  EXPECT_TRUE(IsFingerprint(ToldIn(status).hung_builds[0].alike.fingerprint)) << "of an older controller";
  const auto hung = [](const Summary& of) {
    const json told = StatusObject(of, json::object(), kNow);
    for (const json& condition : told["conditions"]) {
      if (condition["type"] == "HungBuilds") return condition["message"].get<std::string>();
    }
    return std::string();
  };
  EXPECT_THAT(hung(summary), testing::EndsWith(" (and 1 more, all of which hang alike)"));
  summary.hang_groups.push_back({{"ba9876543210", "spin"}, "Busy", 1, 1, kNow, kNow});
  summary.hang_groups.push_back({{"0000000000ff", "past"}, "Busy", 1, 0, kNow, kNow});
  EXPECT_THAT(hung(summary), testing::EndsWith(" (and 1 more, in 2 groups that hang alike)"));
  EXPECT_EQ(status["failedBuilds"],
            json::parse(
                R"([{"stage": "env", "name": "x", "attempt": 0, "reason": "NeedFailed", "message": "m"}])"));
}

TEST(StatusObjectTest, ATransitionTimeIsKeptUntilTheStatusChanges) {
  Summary summary = Running();
  const json first = StatusObject(summary, json::object(), kNow);
  summary.counts[1] = Counts(0, 0, 0, 6, 10, 0);  // the message of Complete changes, its status does not
  const json second = StatusObject(summary, first, kNow + minutes(1));
  EXPECT_EQ(Condition(second, "Complete")["lastTransitionTime"], "2019-12-20T00:00:00Z");
  EXPECT_NE(Condition(second, "Complete")["message"], Condition(first, "Complete")["message"]);
  summary.hung_builds = {Hung("a")};
  summary.hung = 1;
  const json third = StatusObject(summary, second, kNow + minutes(2));
  EXPECT_EQ(Condition(third, "HungBuilds")["lastTransitionTime"], "2019-12-20T00:02:00Z");
  EXPECT_EQ(Condition(third, "Complete")["lastTransitionTime"], "2019-12-20T00:00:00Z");
  const json fourth = StatusObject(summary, third, kNow + minutes(3));
  EXPECT_EQ(Condition(fourth, "HungBuilds")["lastTransitionTime"], "2019-12-20T00:02:00Z");
}

TEST(StatusObjectTest, MessagesAreBoundedAndPrintable) {
  Summary summary;
  summary.failed_reason = "Invalid";
  summary.failed_message = "\x1b" + std::string(10000, 'm');
  const std::string message = Condition(StatusObject(summary, json::object(), kNow), "Failed")["message"];
  EXPECT_LE(message.size(), 4096u);
  EXPECT_EQ(message[0], '?');
}

}  // namespace
}  // namespace imagebatch::cluster
