#include "report/summary.h"

#include "unit/report/support.h"

namespace imagebatch::report {
namespace {

using nlohmann::json;

json Timed(json line, const std::string& start, const std::string& end, double seconds) {
  line["started_at"] = "2026-03-13T00:" + start + "Z";
  line["finished_at"] = "2026-03-13T00:" + end + "Z";
  line["duration_seconds"] = seconds;
  return line;
}

std::string Batch() {
  json skipped = Timed(Line("s", "skipped_remote_exists"), "00:31", "00:32", 1);
  json base = Timed(Line("base", "built"), "00:00", "00:10", 10);
  base["stage"] = "base";
  return Text(Timed(Line("a", "built"), "00:10", "00:40", 30)) +
         Text(Timed(Line("b", "failed", 1), "00:10", "00:15", 5)) +
         Text(Timed(Line("b", "built", 2), "01:00", "01:50", 50)) + Text(skipped) +
         Text(Timed(Line("c", "failed", 1), "00:35", "01:35", 60)) +
         Text(Timed(Line("c", "failed", 2), "02:00", "03:00", 60)) + Text(base);
}

json SummaryOf(const std::string& text) { return json::parse(SummaryJson(ReportOf(text))); }

TEST(SummaryTest, CountsEachBuildOnceAndByItsOutcome) {
  const json summary = SummaryOf(Batch());
  EXPECT_EQ(summary["total"], 5);
  EXPECT_EQ(summary["successful"], 4);
  EXPECT_EQ(summary["built"], 3);
  EXPECT_EQ(summary["skipped"], 1);
  EXPECT_EQ(summary["failed"], 1);
  EXPECT_EQ(summary["retried"], 2);
  EXPECT_EQ(summary["unfinished"], 0);
  EXPECT_EQ(summary["status_counts"],
            json::parse(R"({"built": 3, "failed": 1, "skipped_remote_exists": 1})"));
  EXPECT_EQ(summary["skip_reasons"], json::parse(R"({"remote_image_exists": 1})"));
  EXPECT_EQ(summary["failure_reasons"], json::parse(R"({"Error": 1})"));
}

TEST(SummaryTest, TimesAreOfAllAttempts) {
  const json summary = SummaryOf(Batch());
  EXPECT_EQ(summary["started_at"], "2026-03-13T00:00:00+00:00");
  EXPECT_EQ(summary["finished_at"], "2026-03-13T00:03:00+00:00");
  EXPECT_EQ(summary["wall_clock_seconds"], 180.0);
  EXPECT_EQ(summary["cumulative_duration_seconds"], 216.0);
  EXPECT_EQ(summary["average_build_seconds"], 31.667) << "of those built: 30, 55, 10";
  EXPECT_EQ(summary["median_build_seconds"], 30.0);
  EXPECT_EQ(summary["max_build_seconds"], 55.0);
  EXPECT_EQ(summary["slowest_builds"][0]["base_image"], "b");
  EXPECT_EQ(summary["slowest_builds"][0]["attempt_count"], 2);
  EXPECT_EQ(summary["slowest_builds"].size(), 3U);
}

TEST(SummaryTest, EachStageHasItsOwn) {
  const json stages = SummaryOf(Batch())["stages"];
  ASSERT_EQ(stages.size(), 2U);
  EXPECT_EQ(stages[0]["stage"], "base");
  EXPECT_EQ(stages[0]["cumulative_duration_seconds"], 10.0);
  EXPECT_EQ(stages[1]["total"], 4);
  EXPECT_EQ(stages[1]["median_build_seconds"], 42.5);
}

TEST(SummaryTest, FailuresHaveTheirErrorAndAttempts) {
  const json failed = SummaryOf(Batch())["failed_builds"];
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0]["base_image"], "c");
  EXPECT_EQ(failed[0]["error"], "Error: exit code 3");
  EXPECT_EQ(failed[0]["attempt_count"], 2);
}

TEST(SummaryTest, HangsStandByGroup) {
  json hung = Line("a", "failed");
  hung["class"] = "Idle";
  hung["fingerprint"] = "f";
  hung["summary"] = "nothing happens";
  hung["hung_since"] = "2026-03-13T00:00:30Z";
  const json summary = SummaryOf(Text(hung));
  EXPECT_EQ(summary["hung"], 1);
  ASSERT_EQ(summary["hangs"].size(), 1U);
  EXPECT_EQ(summary["hangs"][0],
            json::parse(R"({"class": "Idle", "fingerprint": "f", "summary": "nothing happens",
    "count": 1, "builds": ["image/a"], "first": "2026-03-13T00:00:30+00:00", "last": "2026-03-13T00:00:30+00:00"})"));
}

TEST(SummaryTest, OfNothing) {
  const json summary = SummaryOf("");
  EXPECT_EQ(summary["total"], 0);
  EXPECT_EQ(summary["wall_clock_seconds"], nullptr);
  EXPECT_EQ(summary["average_build_seconds"], nullptr);
  EXPECT_EQ(summary["slowest_builds"], json::array());
}

TEST(SummaryTest, UnfinishedBuildsAreNoSuccess) {
  Material material = Read(Text(Line("a", "built"))).material;
  material.total = 10;
  const json summary = json::parse(SummaryJson(MakeReport(std::move(material))));
  EXPECT_EQ(summary["total"], 10);
  EXPECT_EQ(summary["successful"], 1);
  EXPECT_EQ(summary["unfinished"], 9);
}

}  // namespace
}  // namespace imagebatch::report
