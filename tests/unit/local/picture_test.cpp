#include "local/picture.h"

#include <gmock/gmock.h>

namespace imagebatch::local {
namespace {

using plan::State;
using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Time kNow{hours(400'000)};

View Some() {
  View view{"swe", "builds/swe", {}, kNow};
  view.summary.stages = {"env", "image"};
  view.summary.counts.resize(2);
  view.summary.slow = {0, 1};
  view.summary.counts[0].by_state[static_cast<size_t>(State::Succeeded)] = 10;
  view.summary.counts[1].by_state[static_cast<size_t>(State::Succeeded)] = 5;
  view.summary.counts[1].by_state[static_cast<size_t>(State::Failed)] = 1;
  view.summary.counts[1].by_state[static_cast<size_t>(State::Running)] = 4;
  view.summary.counts[1].by_state[static_cast<size_t>(State::Queued)] = 20;
  view.summary.hung = 1;
  view.summary.hung_builds = {{"image",
                               "x\ny",
                               "Idle",
                               "",
                               "",
                               "nothing for 300 s",
                               1,
                               kNow - minutes(12),
                               {"evidence/image/x.1.json", ""},
                               {}}};
  view.summary.end = plan::Estimate{kNow + minutes(20), kNow + minutes(23), kNow + minutes(31)};
  return view;
}

TEST(PictureTest, CountsInOneLine) {
  EXPECT_EQ(CountsLine(Some()),
            "15 of 40 built, 1 failed, 1 hung, 3 running, 20 to do; about 23 min left (20 min to 31 min)");
}

TEST(PictureTest, ShowsStagesAndWhatHangsWithTheWayToItsEvidence) {
  const auto lines = Picture(Some(), 100);
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_THAT(lines[0].text, StartsWith("swe: 15 of 40 built"));
  EXPECT_THAT(lines[1].text, StartsWith("[###############x>"));
  EXPECT_THAT(lines[1].text, HasSubstr("] 40 %  about 23 min left"));
  EXPECT_EQ(lines[2].text, "  env: 10 of 10");
  EXPECT_EQ(lines[3].text, "  image: 5 of 30, 1 failed, 4 running, 1 slow");
  EXPECT_EQ(lines[4].text, "HUNG image/x y (Idle) for 12 min: nothing for 300 s");
  EXPECT_EQ(lines[5].text, "     look: imagebatch-runner explain builds/swe/evidence/image/x.1.json");
}

TEST(PictureTest, NoLineIsWiderThanTheTerminal) {
  for (const PictureLine& line : Picture(Some(), 30)) EXPECT_LT(line.text.size(), 30U);
}

TEST(PictureTest, StaysSmallHoweverMuchHangs) {
  View view = Some();
  view.summary.hung = 20;
  view.summary.hung_builds.assign(20, view.summary.hung_builds[0]);
  view.summary.stages.assign(10, "stage");
  view.summary.counts.resize(10);
  view.summary.slow.resize(10);
  EXPECT_LE(Picture(view, 80).size(), 15U);
  EXPECT_EQ(Picture(view, 80).back().text, "     and 17 more that hang");
}

TEST(PictureTest, SpansReadAsPeopleSayThem) {
  EXPECT_EQ(Span(4), "4 s");
  EXPECT_EQ(Span(720), "12 min");
  EXPECT_EQ(Span(12600), "3.5 h");
}

}  // namespace
}  // namespace imagebatch::local
