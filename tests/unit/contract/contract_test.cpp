// What the runner really writes, read by the controller, and what the controller really asks for, read by the
// runner: nothing here is typed by hand.
#include "contract/contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cluster/objects/evidence.h"
#include "cluster/objects/hang_classes.h"
#include "cluster/objects/job_object.h"
#include "cluster/objects/outcome.h"
#include "cluster/store/hang_counts.h"
#include "cluster/store/result_line.h"
#include "hang/checks.h"
#include "runner/args.h"
#include "runner/report/report.h"

namespace imagebatch {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kMarker = "0123456789abcdef";
const hang::TimePoint kStart{seconds(1000)};
const Time kSince{milliseconds(1767323045006)};

/// A build that was found hung, with all that a report can have.
class Contract : public testing::TestWithParam<hang::Class> {
 protected:
  Contract() {
    evidence_.output = {"the last line"};
    evidence_.deadlock = {"pid 7 sleep: its only thread waits for itself"};
    evidence_.stacks.groups = {{.pids = {7, 9},
                                .python = "3.11.2",
                                .threads = {{"main", "pool.py:34 emit", "a Lock held by thread 8"}},
                                .more_threads = 2}};
    evidence_.fingerprint = "0123456789ab";
    evidence_.summary = std::string(contract::kSummaryBytes, 's');
    evidence_.waits.sentences = {"pid 7 curl: waits for data from TCP 10.0.0.5:443 (established)"};
    evidence_.repeats.sentences = {"the line \"no answer\" came 312 times since 12:03:10 UTC"};
    evidence_.processes.resize(8);
    evidence_.stacks.not_read = {"pid 10: its memory cannot be read: Permission denied"};
    snapshot_.clock = {kStart, std::chrono::system_clock::time_point(kSince.time_since_epoch())};
    snapshot_.now = kStart + seconds(90);
    snapshot_.verdict = {hang::Finding{GetParam(), "SomeReason", "some words"}, kStart};
    snapshot_.progress.signals.fill({true, kStart});
    snapshot_.evidence = &evidence_;
    outcome_.exit_code = contract::kExitHung;
    outcome_.signal = "SIGKILL";
    outcome_.longest_silence_seconds = 40;
    outcome_.peak_resident_bytes = 1 << 20;
    outcome_.cpu_seconds = 2.5;
    outcome_.output_bytes = 77;
    outcome_.phases = {{"RUN make", 60}};
    outcome_.verdicts.Add(snapshot_.verdict);
  }

  std::string Name() const { return std::string(hang::Name(GetParam())); }

  /// What the controller makes of an attempt that ended with this account.
  static cluster::Outcome ReadAccount(const std::string& account, const std::string& marker = kMarker) {
    cluster::JobView job;
    job.phase = cluster::JobView::Phase::Failed;
    cluster::PodView pod;
    pod.marker = marker;
    pod.build.emplace();
    pod.build->state = cluster::ContainerView::State::Terminated;
    pod.build->exit_code = contract::kExitHung;
    pod.build->message = account;
    return cluster::OutcomeOf(job, pod);
  }

  runner::Evidence evidence_;
  runner::Snapshot snapshot_;
  runner::Outcome outcome_;
};

TEST_P(Contract, ALineOfTheLogIsAVerdict) {
  const auto saying = cluster::ReadSaying(runner::RenderLogLine(snapshot_, kMarker), kMarker);
  ASSERT_TRUE(saying && saying->hung);
  const cluster::Verdict& verdict = saying->hung->verdict;
  EXPECT_EQ(verdict.kind, cluster::Verdict::Kind::Hang);
  EXPECT_EQ(verdict.class_name, Name());
  EXPECT_THAT(cluster::kHangClasses, testing::Contains(Name()));
  EXPECT_EQ(verdict.reason, "SomeReason");
  EXPECT_EQ(verdict.message, "some words");
  EXPECT_EQ(verdict.since, kSince);
  EXPECT_THAT(saying->hung->json, testing::HasSubstr("the last line"));
  EXPECT_THAT(saying->hung->json, testing::Not(testing::HasSubstr(kMarker)));
}

TEST_P(Contract, TheEvidenceThatIsKeptHasTheStacks) {
  const auto saying = cluster::ReadSaying(runner::RenderLogLine(snapshot_, kMarker), kMarker);
  ASSERT_TRUE(saying && saying->hung);
  const json evidence = json::parse(saying->hung->json).at(contract::key::kEvidence);
  const json& group = evidence.at(contract::key::kStacks).at(0);
  EXPECT_EQ(group.at(contract::key::kPids), json({7, 9}));
  EXPECT_EQ(group.at(contract::key::kPython), "3.11.2");
  EXPECT_EQ(group.at(contract::key::kMoreThreads), 2);
  const json& thread = group.at(contract::key::kThreads).at(0);
  EXPECT_EQ(thread.at(contract::key::kThread), "main");
  EXPECT_EQ(thread.at(contract::key::kAt), "pool.py:34 emit");
  EXPECT_EQ(thread.at(contract::key::kWaitsFor), "a Lock held by thread 8");
  EXPECT_EQ(evidence.at(contract::key::kNotRead).at(0), evidence_.stacks.not_read[0]);
  EXPECT_EQ(evidence.at(contract::key::kWaits), json(evidence_.waits.sentences));
  EXPECT_EQ(evidence.at(contract::key::kRepeats), json(evidence_.repeats.sentences));
}

/// Those who read it find both beside the verdict, whole; where it goes on, there is neither.
TEST_P(Contract, AHangIsKnownByItsFingerprintAndItsSummary) {
  using contract::key::kFingerprint, contract::key::kSummary;
  ASSERT_EQ(evidence_.fingerprint.size(), contract::kFingerprintBytes);
  const auto reports = [this] {
    const std::string state = runner::RenderState(snapshot_);
    return std::vector<std::string>{
        runner::RenderLogLine(snapshot_, kMarker), state, runner::StateHead(state).value_or("{}"),
        runner::RenderResult(snapshot_, outcome_, kMarker, contract::kMostResultBytes)};
  };
  for (const std::string& text : reports()) {
    const json report = json::parse(text);
    EXPECT_EQ(report.value(kFingerprint, ""), evidence_.fingerprint);
    EXPECT_EQ(report.value(kSummary, ""), evidence_.summary);
  }
  const json least =
      json::parse(runner::RenderResult(snapshot_, outcome_, kMarker, contract::kLeastResultBytes));
  EXPECT_EQ(least.value(kFingerprint, ""), evidence_.fingerprint);
  evidence_.fingerprint.clear();
  for (const std::string& text : reports()) EXPECT_FALSE(json::parse(text).contains(kFingerprint));
  evidence_.fingerprint = "0123456789ab";
  snapshot_.verdict.finding.reset();
  for (const std::string& text : reports()) EXPECT_FALSE(json::parse(text).contains(kFingerprint));
}

TEST_P(Contract, ALineThatItGoesOnEndsTheVerdict) {
  snapshot_.verdict.finding.reset();
  const auto saying = cluster::ReadSaying(runner::RenderLogLine(snapshot_, kMarker), kMarker);
  ASSERT_TRUE(saying);
  EXPECT_FALSE(saying->hung);
}

TEST_P(Contract, ALineOfAnotherMarkerIsNone) {
  EXPECT_FALSE(cluster::ReadSaying(runner::RenderLogLine(snapshot_, "forged"), kMarker));
  EXPECT_FALSE(cluster::ReadSaying(runner::RenderLogLine(snapshot_, ""), kMarker));
}

TEST_P(Contract, AnAccountIsTheOutcomeHoweverLittleRoomItHas) {
  for (size_t limit = contract::kLeastResultBytes; limit <= contract::kMostResultBytes; limit += 128) {
    const cluster::Outcome outcome = ReadAccount(runner::RenderResult(snapshot_, outcome_, kMarker, limit));
    EXPECT_EQ(outcome.cause, plan::Cause::Hang) << limit;
    EXPECT_EQ(outcome.class_name, Name()) << limit;
    EXPECT_EQ(outcome.hang_reason, "SomeReason") << limit;
    EXPECT_EQ(outcome.hung_since, kSince) << limit;
    EXPECT_THAT(outcome.message, testing::StartsWith("some")) << limit;
  }
}

TEST_P(Contract, AnAccountWithoutTheMarkerIsNotBelieved) {
  const std::string account = runner::RenderResult(snapshot_, outcome_, "forged", contract::kMostResultBytes);
  EXPECT_NE(ReadAccount(account).cause, plan::Cause::Hang);
}

TEST_P(Contract, AnAccountHasTheEvidenceWhereTheLogHasNone) {
  const cluster::Outcome outcome =
      ReadAccount(runner::RenderResult(snapshot_, outcome_, kMarker, contract::kMostResultBytes));
  const auto evidence = cluster::EvidenceOfAccount(outcome.runner);
  ASSERT_TRUE(evidence);
  EXPECT_EQ(evidence->verdict.class_name, Name());
  EXPECT_THAT(evidence->json, testing::HasSubstr("the last line"));
}

TEST_P(Contract, EveryFigureOfAnAccountIsInTheResult) {
  const cluster::Outcome outcome =
      ReadAccount(runner::RenderResult(snapshot_, outcome_, kMarker, contract::kMostResultBytes));
  const json line = json::parse(cluster::ResultLine({}, outcome, kSince));
  EXPECT_EQ(line["class"], Name());
  EXPECT_EQ(line["longest_silence_seconds"], 40);
  EXPECT_EQ(line["peak_rss_bytes"], 1 << 20);
  EXPECT_EQ(line["cpu_seconds"], 2.5);
  EXPECT_EQ(line["output_bytes"], 77);
  ASSERT_EQ(line["phases"].size(), 1U);
  EXPECT_EQ(line["phases"][0]["name"], "RUN make");
  EXPECT_EQ(line["phases"][0]["seconds"], 60);
  cluster::HangCounts counts;
  EXPECT_THAT(counts.End("job", outcome), testing::ElementsAre(testing::Pair(Name(), 1)));
}

TEST_P(Contract, TheSignalOfAnAccountIsTold) {
  outcome_.exit_code = 137;
  snapshot_.verdict.finding.reset();
  const cluster::Outcome outcome =
      ReadAccount(runner::RenderResult(snapshot_, outcome_, kMarker, contract::kMostResultBytes));
  EXPECT_THAT(outcome.message, testing::HasSubstr("something killed it"));
}

INSTANTIATE_TEST_SUITE_P(Classes, Contract, testing::ValuesIn(hang::kAllClasses),
                         [](const auto& one) { return std::string(hang::Name(one.param)); });

/// The Job of a build with this policy.
json JobOf(const batch::HangPolicy& hang) {
  batch::Batch batch;
  batch.name = "b";
  batch.hang = hang;
  batch::Stage stage;
  stage.name = "image";
  const json pod_template = {{"spec",
                              {{"terminationGracePeriodSeconds", 32},
                               {"containers", {{{"name", "build"}, {"command", {"make", "-j"}}}}}}}};
  return cluster::JobObject(batch, stage, {}, {"abcdefghij", "a", 1, {"runner:1"}, kMarker}, pod_template);
}

const json& ContainerOf(const json& job) { return job["spec"]["template"]["spec"]["containers"][0]; }

/// What the kubelet makes of a word of a command where no variable is set
/// (third_party/forked/golang/expansion).
std::string AsTheKubeletWould(const std::string& word) {
  std::string expanded;
  for (size_t at = 0; at < word.size(); ++at) {
    if (word[at] == '$' && at + 1 < word.size() && word[at + 1] == '$') ++at;
    expanded += word[at];
  }
  return expanded;
}

TEST(ContractOfFlags, TheRunnerReadsWhatTheControllerWrites) {
  batch::HangPolicy hang;
  hang.deadlock_seconds = 1;
  hang.idle_seconds = 2;
  hang.silent_seconds = 3;
  hang.deadline_seconds = 4;
  hang.expect = {{"^a$(b|c)$", 5, 6}};
  hang.action = batch::HangAction::Retry;
  auto words = ContainerOf(JobOf(hang))["command"].get<std::vector<std::string>>();
  for (std::string& word : words) word = AsTheKubeletWould(word);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto arguments = runner::ParseArguments(static_cast<int>(words.size()), argv.data());
  const auto* error = std::get_if<runner::UsageError>(&arguments);
  ASSERT_EQ(error, nullptr) << error->message;
  const auto& options = std::get<runner::RunOptions>(arguments);
  EXPECT_EQ(options.limits.deadlock_after, seconds(1));
  EXPECT_EQ(options.limits.idle_after, seconds(2));
  EXPECT_EQ(options.limits.silent_after, seconds(3));
  EXPECT_EQ(options.limits.deadline, seconds(4));
  ASSERT_EQ(options.limits.expected.size(), 1U);
  EXPECT_EQ(options.limits.expected[0].pattern, "^a$(b|c)$");
  EXPECT_EQ(options.limits.expected[0].within, seconds(5));
  EXPECT_EQ(options.limits.expected[0].first, seconds(6));
  EXPECT_EQ(options.grace, seconds(30));
  EXPECT_TRUE(options.end_when_hung);
  EXPECT_EQ(options.result_bytes, contract::kMostResultBytes);
  EXPECT_EQ(options.listen, ":" + std::to_string(cluster::kRunnerPort));
  EXPECT_STREQ(options.command[0], "make");
  EXPECT_STREQ(options.command[1], "-j");
}

TEST(ContractOfFlags, TheProbeAsksWhatTheRunnerAnswers) {
  const json container = ContainerOf(JobOf({}));
  EXPECT_EQ(container["readinessProbe"]["httpGet"]["path"], contract::kProgressPath);
  EXPECT_EQ(container["env"].back(), json({{"name", contract::kMarkerVariable}, {"value", kMarker}}));
}

/// A runner that is a version newer, or older, than the controller.
TEST(ContractOfVersions, WhatOneSideDoesNotKnowIsLeftAlone) {
  const std::string start = std::string("{\"") + contract::key::kKind + "\":\"evidence\",\"" +
                            contract::key::kMarker + "\":\"" + kMarker + "\",";
  const std::string since = "\"since\":\"2026-01-02T03:04:05Z\"";
  const auto newer = cluster::ReadSaying(
      start + R"("verdict":"Hung","class":"Idle","colour":{"red":[1]},"reason":"R",)" + since + "}", kMarker);
  ASSERT_TRUE(newer && newer->hung) << "a key that is not known";
  EXPECT_EQ(newer->hung->verdict.class_name, "Idle");
  const auto older =
      cluster::ReadSaying(start + R"("verdict":"Hung","class":"Idle",)" + since + "}", kMarker);
  ASSERT_TRUE(older && older->hung) << "keys that are missing";
  EXPECT_EQ(older->hung->verdict.message, "");
  EXPECT_FALSE(cluster::ReadSaying(start + R"("verdict":"Hung","class":"Bored",)" + since + "}", kMarker))
      << "a class that is not known is no verdict";
}

}  // namespace
}  // namespace imagebatch
