#include "report/builds.h"

#include <gmock/gmock.h>

#include "unit/report/support.h"

namespace imagebatch::report {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

json Hung(const std::string& name, const std::string& fingerprint, int attempt = 1) {
  json line = Line(name, "failed", attempt);
  line["reason"] = "Hung";
  line["class"] = "Deadlock";
  line["fingerprint"] = fingerprint;
  line["summary"] = "waits for a Lock";
  line["hung_since"] = "2026-03-13T00:01:0" + std::to_string(attempt) + "Z";
  line["evidence_record"] = name + "-" + std::to_string(attempt);
  return line;
}

TEST(BuildsTest, TheLastAttemptDecidesWhateverTheOrderOfTheLines) {
  json second = Line("a", "built", 2);
  second["started_at"] = "2026-03-13T00:02:00Z";
  second["finished_at"] = "2026-03-13T00:03:00Z";
  second["duration_seconds"] = 60;
  const std::string first = Text(Line("a", "failed", 1));
  for (const std::string& text : {first + Text(second), Text(second) + first}) {
    const Report report = ReportOf(text);
    ASSERT_EQ(report.builds.size(), 1U);
    const Build& build = report.builds[0];
    EXPECT_EQ(build.status, Status::Built);
    EXPECT_EQ(build.error, "");
    EXPECT_EQ(build.AttemptCount(), 2);
    EXPECT_EQ(build.Seconds(), 150.0);
    EXPECT_EQ(*build.Finished() - *build.Started(), std::chrono::seconds(180));
    EXPECT_EQ(report.Retried(), 1U);
  }
}

TEST(BuildsTest, ALineThatStandsTwiceCountsOnce) {
  const std::string line = Text(Line("a", "failed"));
  const Report report = ReportOf(line + line);
  ASSERT_EQ(report.builds.size(), 1U);
  EXPECT_EQ(report.builds[0].attempts.size(), 1U);
}

TEST(BuildsTest, BuildsOfOneNameInTwoStagesAreTwo) {
  json other = Line("a", "failed");
  other["stage"] = "base";
  EXPECT_EQ(ReportOf(Text(Line("a", "built")) + Text(other)).builds.size(), 2U);
}

TEST(BuildsTest, HangsAreGroupedByFingerprintTheLargestFirst) {
  const Report report = ReportOf(Text(Hung("a", "f1")) + Text(Hung("b", "f2")) + Text(Hung("c", "f2")) +
                                 Text(Hung("c", "f2", 2)));
  ASSERT_EQ(report.hangs.size(), 2U);
  EXPECT_EQ(report.hangs[0].fingerprint, "f2");
  EXPECT_EQ(report.hangs[0].builds.size(), 2U) << "each build once";
  EXPECT_EQ(report.hangs[0].evidence_records[0], "c-2") << "the newest first";
  EXPECT_EQ(report.hangs[1].builds.size(), 1U);
  EXPECT_EQ(report.HungBuilds(), 3U);
}

TEST(BuildsTest, AHangThatARetryOvercameIsStillTold) {
  const Report report = ReportOf(Text(Hung("a", "f1")) + Text(Line("a", "built", 2)));
  EXPECT_EQ(report.Count(Status::Built), 1U);
  EXPECT_EQ(report.hangs.size(), 1U);
  EXPECT_EQ(report.HungBuilds(), 1U);
  EXPECT_TRUE(report.failures.empty());
}

TEST(BuildsTest, FailuresAreGroupedWithoutNumbersAndNames) {
  json one = Line("django-1", "failed"), two = Line("django-22", "failed"), other = Line("x", "failed");
  one["error"] = "Error: push of django-1 failed after 31 s";
  two["error"] = "Error: push of django-22 failed after 5 s";
  other["error"] = "Error: no space left on device";
  const Report report = ReportOf(Text(other) + Text(one) + Text(two));
  ASSERT_EQ(report.failures.size(), 2U);
  EXPECT_EQ(report.failures[0].builds.size(), 2U);
  EXPECT_EQ(report.failures[0].title, "Error");
  EXPECT_EQ(report.failures[0].detail, "push of django-1 failed after 31 s");
}

TEST(BuildsTest, AShortNameIsNotTakenOutOfWords) {
  json one = Line("e", "failed"), two = Line("x", "failed");
  one["error"] = "Error: exit code 3 of e";
  two["error"] = "Error: exit code 4 of x";
  EXPECT_EQ(ReportOf(Text(one) + Text(two)).failures.size(), 1U);
}

TEST(BuildsTest, AFailureWithoutAMessageHasOne) {
  json line = Line("a", "failed");
  line["error"] = nullptr;
  line["reason"] = "";
  EXPECT_EQ(ReportOf(Text(line)).builds[0].error, "failed without a message");
}

Material WithNeeds() {
  Material material = Read(Text(Line("base", "failed"))).material;
  material.attempts[0].stage = "base";
  material.expected = {{"base", "base", {}}, {"image", "a", {0}}, {"last", "a", {1}}, {"image", "b", {}}};
  return material;
}

TEST(BuildsTest, WhatNeedsAFailedBuildFailedTooAndTheRestIsUnfinished) {
  const Report report = MakeReport(WithNeeds());
  EXPECT_THAT(report.stages, ElementsAre("base", "image", "last"));
  ASSERT_EQ(report.builds.size(), 3U);
  EXPECT_EQ(report.builds[1].error, "NeedFailed: base/base, which it needs, failed");
  EXPECT_EQ(report.builds[1].AttemptCount(), 0);
  EXPECT_EQ(report.builds[2].error, "NeedFailed: image/a, which it needs, failed");
  EXPECT_EQ(report.unfinished, 1U);
  EXPECT_EQ(report.Total(), 4U);
}

TEST(BuildsTest, OfOneStageAlone) {
  const Report report = MakeReport(WithNeeds(), "image");
  EXPECT_EQ(report.builds.size(), 1U);
  EXPECT_EQ(report.unfinished, 1U);
  EXPECT_TRUE(MakeReport(WithNeeds(), "other").stages.empty());
}

TEST(BuildsTest, ATotalAloneTellsHowManyAreUnfinished) {
  Material material = Read(Text(Line("a", "built"))).material;
  material.total = 5;
  EXPECT_EQ(MakeReport(material).unfinished, 4U);
  material.total = 0;
  EXPECT_EQ(MakeReport(material).unfinished, 0U);
}

}  // namespace
}  // namespace imagebatch::report
