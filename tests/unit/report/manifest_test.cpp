#include "report/manifest.h"

#include <gmock/gmock.h>

#include "unit/report/support.h"

namespace imagebatch::report {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json EntryOf(const std::string& text) { return json::parse(Manifest(ReportOf(text))); }

TEST(ManifestTest, OfABuiltImage) {
  json line = Line("django-1", "built");
  line["log_path"] = "logs/image/django-1.1.log";
  const json expected = json::parse(R"({
    "time": "2026-03-13T00:01:31+00:00", "base_image": "django-1", "tags": ["r.example/eval:django-1"], "error": null,
    "log_path": "logs/image/django-1.1.log", "status": "built", "skip_reason": null, "attempt_count": 1,
    "started_at": "2026-03-13T00:00:00+00:00", "finished_at": "2026-03-13T00:01:30+00:00", "duration_seconds": 90.0,
    "remote_check_seconds": null, "build_seconds": 90.0, "post_build_seconds": null,
    "sdk_build_context_seconds": null, "sdk_buildx_wall_clock_seconds": null, "sdk_cleanup_seconds": null,
    "sdk_cache_import_seconds": null, "sdk_cache_import_miss_count": null, "sdk_cache_export_seconds": null,
    "sdk_image_export_seconds": null, "sdk_push_layers_seconds": null, "sdk_export_manifest_seconds": null,
    "sdk_cached_step_count": null, "stage": "image", "name": "django-1"})");
  const json entry = EntryOf(Text(line));
  EXPECT_EQ(entry, expected) << json::diff(expected, entry).dump(2);
}

// The manifest that this one replaces left status at "built" for phased builds that failed.
TEST(ManifestTest, AFailureIsNeverBuilt) {
  json line = Line("a", "failed", 3);
  line["tags"] = {"r.example/eval:a"};
  const json entry = EntryOf(Text(line));
  EXPECT_EQ(entry["status"], "failed");
  EXPECT_EQ(entry["tags"], json::array());
  EXPECT_EQ(entry["error"], "Error: exit code 3");
  EXPECT_EQ(entry["attempt_count"], 3);
  EXPECT_EQ(entry["duration_seconds"], 90.0);
}

TEST(ManifestTest, ASkipIsNotBuiltAndHasItsTags) {
  json line = Line("a", "skipped_remote_exists");
  line["tags"] = {"r.example/eval:a"};
  line["duration_seconds"] = 0.5;
  line["remote_check_seconds"] = 0.5;
  line["digest"] = "sha256:00";
  const json entry = EntryOf(Text(line));
  EXPECT_EQ(entry["status"], "skipped_remote_exists");
  EXPECT_EQ(entry["skip_reason"], "remote_image_exists");
  EXPECT_EQ(entry["tags"], json::array({"r.example/eval:a"}));
  EXPECT_EQ(entry["remote_check_seconds"], 0.5);
  EXPECT_EQ(entry["digest"], "sha256:00");
  EXPECT_EQ(entry["build_seconds"], nullptr);
}

TEST(ManifestTest, PhasesOfTheRunnerAreTakenWhereNoLogWasRead) {
  json line = Line("a", "built");
  line["phases"] = json::parse(
      R"([{"name": "exporting to image", "seconds": 12.5}, {"name": "pushing layers", "seconds": 3},
    {"name": "exporting cache to registry", "seconds": 30}, {"name": "[2/5] RUN make", "seconds": 99}])");
  json entry = EntryOf(Text(line));
  EXPECT_EQ(entry["sdk_image_export_seconds"], 12.5);
  EXPECT_EQ(entry["sdk_push_layers_seconds"], 3.0);
  EXPECT_EQ(entry["sdk_cache_export_seconds"], 30.0);
  EXPECT_EQ(entry["sdk_cache_import_seconds"], nullptr) << "unknown, not zero";
  Material material = Read(Text(line)).material;
  material.attempts[0].buildkit = ReadBuildKitLog("#1 exporting to image\n#1 DONE 7.0s\n");
  entry = json::parse(Manifest(MakeReport(std::move(material))));
  EXPECT_EQ(entry["sdk_image_export_seconds"], 7.0) << "the log knows better";
  EXPECT_EQ(entry["sdk_cache_export_seconds"], nullptr);
  EXPECT_EQ(entry["sdk_cached_step_count"], 0);
}

TEST(ManifestTest, HostileTextsStayOneLineOfJson) {
  json line = Line(
      "a\x1b]0;x\a\xE2\x80\xAE"
      "b",
      "failed");
  line["error"] = "</script>\n\"\\\x01" + std::string(100000, 'x');
  line["stage"] = "s\xff";
  const std::string text = Manifest(ReportOf(Text(line)));
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const json entry = json::parse(text);
  EXPECT_EQ(entry["name"], "a?]0;x??b");
  EXPECT_THAT(entry["error"].get<std::string>(), HasSubstr("</script> \"\\?xxx"));
  EXPECT_LE(text.size(), 10000U);
}

TEST(ManifestTest, AHangHasItsClassAndGroup) {
  json line = Line("a", "failed");
  line["class"] = "Deadlock";
  line["hung_since"] = "2026-03-13T00:00:30Z";
  line["fingerprint"] = "c3847c72e8b4";
  line["summary"] = "waits for a Lock";
  const json entry = EntryOf(Text(line));
  EXPECT_EQ(entry["class"], "Deadlock");
  EXPECT_EQ(entry["hung_since"], "2026-03-13T00:00:30+00:00");
  EXPECT_EQ(entry["fingerprint"], "c3847c72e8b4");
  EXPECT_EQ(entry["summary"], "waits for a Lock");
}

}  // namespace
}  // namespace imagebatch::report
