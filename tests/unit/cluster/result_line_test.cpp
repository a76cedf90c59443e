#include "cluster/store/result_line.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kStarted{std::chrono::hours(24 * 365 * 50)};
constexpr Time kFinished = kStarted + seconds(90);
const ResultSubject kSubject{"image", "django-1",  "r.example/eval:django-1", "abcdefghij", "b-abcdefghij-2",
                             2,       std::nullopt};

Outcome Succeeded() {
  Outcome outcome;
  outcome.succeeded = true;
  outcome.reason = "Succeeded";
  outcome.pod = "p";
  outcome.node = "n";
  outcome.started = kStarted;
  outcome.finished = kFinished;
  outcome.exit_code = 0;
  outcome.runner = {{"longestSilenceSeconds", 12.5},
                    {"peakRssBytes", 1048576},
                    {"cpuSeconds", 3},
                    {"outputBytes", "many"},
                    {"phases", {{{"name", "[1/2] FROM base"}, {"seconds", 4}}, {{"name", 7}}, "x"}}};
  return outcome;
}

Outcome Failed(plan::Cause cause) {
  Outcome outcome;
  outcome.cause = cause;
  outcome.reason = "Error";
  outcome.message = "the command ended with exit code 3";
  outcome.started = kStarted;
  outcome.finished = kFinished;
  outcome.exit_code = 3;
  return outcome;
}

TEST(ResultLineTest, OfASuccess) {
  const json expected = json::parse(R"json({
    "time": "2019-12-20T00:01:31Z", "stage": "image", "name": "django-1", "tags": ["r.example/eval:django-1"],
    "status": "built", "error": null, "reason": "Succeeded", "class": null, "attempt_count": 2,
    "started_at": "2019-12-20T00:00:00Z", "finished_at": "2019-12-20T00:01:30Z", "duration_seconds": 90.0,
    "build": "abcdefghij", "job": "b-abcdefghij-2", "pod": "p", "node": "n", "exit_code": 0,
    "longest_silence_seconds": 12.5, "peak_rss_bytes": 1048576, "cpu_seconds": 3,
    "phases": [{"name": "[1/2] FROM base", "seconds": 4}]})json");
  const json line = json::parse(ResultLine(kSubject, Succeeded(), kFinished + milliseconds(1500)));
  EXPECT_EQ(line, expected) << json::diff(expected, line).dump(2);
}

TEST(ResultLineTest, TellsTheRoundOfARerun) {
  ResultSubject subject = kSubject;
  subject.round = 3;
  const std::string line = ResultLine(subject, Succeeded(), kFinished);
  EXPECT_EQ(json::parse(line)["round"], 3);
  EXPECT_EQ(ParseResultLine(line)->round, 3);
  EXPECT_EQ(ParseResultLine(ResultLine(kSubject, Succeeded(), kFinished))->round, 0);
}

TEST(ResultLineTest, OfAFailure) {
  Outcome outcome = Failed(plan::Cause::Hang);
  outcome.class_name = "Idle";
  outcome.hang_reason = "NoActivity";
  outcome.hung_since = kStarted + seconds(60);
  ResultSubject subject = kSubject;
  subject.evidence = {"b-evidence-abcdefghij-2", "0abc"};
  const json line = json::parse(ResultLine(subject, outcome, kFinished));
  EXPECT_EQ(line["status"], "failed");
  EXPECT_EQ(line["tags"], json::array());
  EXPECT_EQ(line["error"], "Error: the command ended with exit code 3");
  EXPECT_EQ(line["class"], "Idle");
  EXPECT_EQ(line["cause"], "Hang");
  EXPECT_EQ(line["hang_reason"], "NoActivity");
  EXPECT_EQ(line["hung_since"], "2019-12-20T00:01:00Z");
  EXPECT_EQ(line["finished_at"], "2019-12-20T00:01:30Z");
  EXPECT_EQ(line["evidence_sha256"], "0abc");
  EXPECT_EQ(line["evidence_record"], "b-evidence-abcdefghij-2");
  EXPECT_FALSE(line.contains("phases"));
}

TEST(ResultLineTest, WhatHungWhenItWasEndedOtherwiseIsToldFromTheVerdict) {
  Outcome outcome = Failed(plan::Cause::Infrastructure);
  ResultSubject subject = kSubject;
  subject.verdict = Verdict{Verdict::Kind::Hang, "Deadlock", "WaitCycle", "m", kStarted + seconds(30)};
  const json line = json::parse(ResultLine(subject, outcome, kFinished));
  EXPECT_EQ(line["class"], "Deadlock");
  EXPECT_EQ(line["hang_reason"], "WaitCycle");
  EXPECT_EQ(line["hung_since"], "2019-12-20T00:00:30Z");
  EXPECT_FALSE(line.contains("evidence_sha256"));
}

TEST(ResultLineTest, IsReadBackAsItWas) {
  const auto success = ParseResultLine(ResultLine(kSubject, Succeeded(), kFinished));
  ASSERT_TRUE(success);
  EXPECT_EQ(success->build, "abcdefghij");
  EXPECT_EQ(success->attempt, 2);
  EXPECT_TRUE(success->succeeded);
  EXPECT_EQ(success->finished, kFinished);
  EXPECT_EQ(success->seconds, 90);
  for (const auto cause : {plan::Cause::Build, plan::Cause::Hang, plan::Cause::Infrastructure}) {
    const auto failure = ParseResultLine(ResultLine(kSubject, Failed(cause), kFinished));
    ASSERT_TRUE(failure);
    EXPECT_FALSE(failure->succeeded);
    EXPECT_EQ(failure->cause, cause);
    EXPECT_EQ(failure->reason, "Error");
    EXPECT_EQ(failure->message, "the command ended with exit code 3");
  }
}

TEST(ResultLineTest, EveryFieldStandsInTheDocumentation) {
  std::ifstream file(IMAGEBATCH_SOURCE_DIR "/docs/operations.md");
  std::stringstream docs;
  docs << file.rdbuf();
  Outcome outcome = Failed(plan::Cause::Hang);
  outcome.runner = Succeeded().runner;
  outcome.runner["outputBytes"] = 7;
  outcome.class_name = "Idle";
  outcome.hang_reason = "NoActivity";
  outcome.hung_since = kStarted;
  outcome.digest = "sha256:0";
  ResultSubject subject = kSubject;
  subject.evidence = {"b-evidence-abcdefghij-2", "0abc"};
  const json line = json::parse(ResultLine(subject, outcome, kFinished));
  EXPECT_EQ(line.size(), 30U) << "a new field: fill it here";
  for (const auto& [field, value] : line.items()) {
    EXPECT_NE(docs.str().find("`" + field + "`"), std::string::npos) << field;
  }
}

TEST(ResultLineTest, OfASkippedBuild) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  const json line = json::parse(SkippedLine(kSubject, digest, kFinished));
  EXPECT_EQ(line["status"], "skipped_remote_exists");
  EXPECT_EQ(line["tags"], json::array({"r.example/eval:django-1"}));
  EXPECT_EQ(line["digest"], digest);
  const auto key = ParseResultLine(line.dump());
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->skipped);
  EXPECT_FALSE(key->succeeded);
  EXPECT_EQ(key->build, "abcdefghij");
  EXPECT_EQ(key->attempt, 0);
  EXPECT_EQ(key->finished, kFinished);
  std::ifstream page(std::string(IMAGEBATCH_SOURCE_DIR) + "/docs/operations.md");
  std::stringstream text;
  text << page.rdbuf();
  for (const auto& [field, value] : line.items())
    EXPECT_NE(text.str().find("`" + field + "`"), std::string::npos) << field;
}

TEST(ResultLineTest, TheDigestOfWhatWasPushedStandsInIt) {
  Outcome outcome = Succeeded();
  EXPECT_FALSE(json::parse(ResultLine(kSubject, outcome, kFinished)).contains("digest"));
  outcome.digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(json::parse(ResultLine(kSubject, outcome, kFinished))["digest"], outcome.digest);
}

TEST(ResultLineTest, NoDurationIsNegative) {
  Outcome outcome = Failed(plan::Cause::Infrastructure);
  outcome.finished = kStarted - seconds(1);  // two clocks
  EXPECT_EQ(json::parse(ResultLine(kSubject, outcome, kFinished))["duration_seconds"], 0);
}

TEST(ResultLineTest, IsOneLineOfAtMost4KiBWhateverTheBuildPutsInIt) {
  Outcome outcome = Failed(plan::Cause::Build);
  outcome.message = std::string(512, '"');
  outcome.runner = {{"phases", json::array()}};
  for (int i = 0; i < 100; ++i)
    outcome.runner["phases"].push_back({{"name", std::string(200, '\\') + "\n\xff"}, {"seconds", 1e300}});
  ResultSubject subject = kSubject;
  subject.name = std::string(253, '"');
  subject.image = std::string(400, 'i');
  subject.evidence = {std::string(63, 'e'), std::string(64, '0')};
  const std::string line = ResultLine(subject, outcome, kFinished);
  EXPECT_LE(line.size(), 4096u);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_TRUE(ParseResultLine(line));
}

TEST(ResultLineTest, WhatIsNoLineOfOursIsNotRead) {
  for (const char* text :
       {"", "x", "[]", "{}", R"({"build": "a"})", R"({"build": "", "attempt_count": 1, "status": "built"})",
        R"({"build": "a", "attempt_count": "1", "status": "built"})",
        R"({"build": "a", "attempt_count": 1.5, "status": "built"})",
        R"({"build": "a", "attempt_count": 1, "status": "failed"})",
        R"({"build": "a", "attempt_count": 1, "status": "failed", "cause": "Weather"})"}) {
    EXPECT_FALSE(ParseResultLine(text)) << text;
  }
}

}  // namespace
}  // namespace imagebatch::cluster
