#include "report/picture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

#include "unit/report/support.h"

namespace imagebatch::report {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

json Between(const std::string& name, int from, int to, const std::string& status = "built") {
  json line = Line(name, status);
  const Time start{std::chrono::milliseconds(1773360000000)};
  line["started_at"] = FormatTime(start + std::chrono::seconds(from));
  line["finished_at"] = FormatTime(start + std::chrono::seconds(to));
  line["duration_seconds"] = to - from;
  return line;
}

/// So many builds with random times, more than have a lane each.
Report Random(size_t builds) {
  std::mt19937 random(7);
  std::string text;
  for (size_t i = 0; i < builds; ++i) {
    const int from = static_cast<int>(random() % 1000);
    json line = Between("b" + std::to_string(i), from, from + static_cast<int>(random() % 100));
    line["stage"] = i % 3 == 0 ? "base" : "image";
    text += Text(line);
  }
  return ReportOf(text);
}

TEST(PictureTest, NoTwoBarsOfALaneOverlapAndThereAreNoMoreLanesThanBuildsAtOnce) {
  const Report report = Random(500);
  const Picture picture = Draw(report);
  ASSERT_EQ(picture.bars.size(), 500U);
  std::map<size_t, int64_t> free_from;
  std::map<std::string, std::vector<std::pair<int64_t, int>>> changes;
  for (const Bar& bar : picture.bars) {  // of each stage by start
    const auto [at, added] = free_from.emplace(bar.lane, 0);
    EXPECT_TRUE(added || at->second <= bar.begin);
    at->second = bar.begin + std::max<int64_t>(bar.length, 1);
    auto& of_stage = changes[report.builds[bar.build].stage];
    of_stage.emplace_back(bar.begin, 1);
    of_stage.emplace_back(at->second, -1);
  }
  size_t needed = 0;
  for (auto& [stage, of_stage] : changes) {
    std::sort(of_stage.begin(), of_stage.end());
    int now = 0, most = 0;
    for (const auto& [time, change] : of_stage) most = std::max(most, now += change);
    needed += static_cast<size_t>(most);
  }
  EXPECT_EQ(picture.lanes, needed);
}

TEST(PictureTest, ASmallBatchHasALaneForEachBuildWithItsName) {
  const Report report = ReportOf(Text(Between("a", 0, 10)) + Text(Between("b", 20, 30)));
  const Picture picture = Draw(report);
  EXPECT_EQ(picture.lanes, 2U);
  EXPECT_EQ(picture.length, 30000);
  const std::string svg = Svg(report, picture);
  EXPECT_THAT(svg, HasSubstr(">a</text>"));
  EXPECT_THAT(svg, HasSubstr(">30 s</text>"));
}

size_t Count(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++count;
  return count;
}

/// The drawing commands of one kind of bars.
std::string PathOf(const std::string& svg, const std::string& kind) {
  const size_t at = svg.find("<path class=\"" + kind + "\" d=\"");
  return at == std::string::npos ? "" : svg.substr(at, svg.find("/>", at) - at);
}

TEST(PictureTest, EachBuildHasOneBarOfItsOutcomeAndEarlierAttemptsAndHangsAreMarked) {
  json hung = Between("c", 0, 60, "failed");
  hung["class"] = "Deadlock";
  hung["hung_since"] = FormatTime(Time(std::chrono::milliseconds(1773360030000)));
  json again = Between("c", 70, 100);
  again["attempt_count"] = 2;
  const Report report = ReportOf(Text(Between("a", 0, 10)) + Text(Between("b", 0, 5, "failed")) + Text(hung) +
                                 Text(again) + Text(Between("d", 0, 1, "skipped_remote_exists")));
  const std::string svg = Svg(report, Draw(report));
  EXPECT_EQ(Count(PathOf(svg, "built"), "M"), 2U);
  EXPECT_EQ(Count(PathOf(svg, "failed"), "M"), 1U);
  EXPECT_EQ(Count(PathOf(svg, "skipped"), "M"), 1U);
  EXPECT_EQ(Count(PathOf(svg, "tried"), "M"), 1U);
  EXPECT_EQ(Count(PathOf(svg, "hung"), "M"), 1U);
  EXPECT_THAT(svg, HasSubstr("<use href=\"#h\" class=\"mark-h\" x=\"30%\""));
  EXPECT_EQ(Count(svg, "<use href=\"#x\""), 1U);
}

TEST(PictureTest, BuildsWithoutTimesHaveNoBarAndNothingHasAnEmptyPicture) {
  json line = Line("a", "failed");
  line["started_at"] = line["finished_at"] = nullptr;
  EXPECT_TRUE(Draw(ReportOf(Text(line))).bars.empty());
  EXPECT_TRUE(Draw(ReportOf("")).bars.empty());
}

TEST(PictureTest, TimesThatCannotBeAreDrawnWithinThePicture) {
  json backwards = Between("a", 100, 50), old = Between("b", 0, 10), late = Between("c", 0, 10);
  old["started_at"] = "0001-01-01T00:00:00Z";
  late["finished_at"] = "9999-12-31T23:59:59Z";
  const Report report = ReportOf(Text(backwards) + Text(old) + Text(late));
  const std::string svg = Svg(report, Draw(report));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("h-")));
  EXPECT_LT(svg.size(), 10000U);
}

TEST(PictureTest, NamesAreText) {
  json line = Between("<script>\"\xE2\x80\xAE", 0, 1);
  line["stage"] = "</text>&";
  const Report report = ReportOf(Text(line));
  const std::string svg = Svg(report, Draw(report));
  EXPECT_THAT(svg, HasSubstr("&lt;script&gt;&quot;?</text>"));
  EXPECT_THAT(svg, HasSubstr("&lt;/text&gt;&amp;</text>"));
}

}  // namespace
}  // namespace imagebatch::report
