#include "hang/phase.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace imagebatch::hang {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Recorded from buildctl 0.34 with --progress plain; digests shortened. The number before each line is when
// it was printed, in milliseconds.
struct RecordedLine {
  int at;
  const char* text;
};
constexpr RecordedLine kRecording[] = {
    {0, "#1 [internal] load build definition from Dockerfile"},
    {10, "#1 transferring dockerfile: 408B done"},
    {20, "#1 DONE 0.0s"},
    {20, ""},
    {20, "#2 [internal] load .dockerignore"},
    {30, "#2 transferring context: 2B done"},
    {30, "#2 DONE 0.0s"},
    {100, "#5 [base 2/2] RUN [\"/bin/busybox\", \"--install\", \"/bin\"]"},
    {100, "#5 CACHED"},
    {200, "#6 [tools 1/1] RUN for i in 1 2 3; do echo \"fetching part $i of 3\"; sleep 0.4; done"},
    {280, "#6 0.080 fetching part 1 of 3"},
    {680, "#6 0.481 fetching part 2 of 3"},
    {1080, "#6 0.883 fetching part 3 of 3"},
    {1500, "#6 DONE 1.3s"},
    {1600, "#10 exporting to image"},
    {1600, "#10 exporting layers"},
    {2400, "#10 exporting layers 0.8s done"},
    {2400, "#10 preparing layers for inline cache"},
    {2400, "#10 preparing layers for inline cache done"},
    {2410, "#10 exporting manifest sha256:fc37559c done"},
    {2410, "#10 exporting config sha256:949ec854 done"},
    {2420, "#10 pushing layers"},
    {2620, "#10 pushing layers 0.2s done"},
    {2620, "#10 pushing manifest for 127.0.0.1:5999/x:latest@sha256:fc37559c"},
    {2700, "#10 pushing manifest for 127.0.0.1:5999/x:latest@sha256:fc37559c done"},
    {2700, "#10 DONE 1.1s"},
};

const TimePoint kStart{};

TEST(StepLine, ReadsARecordedBuild) {
  PhaseLog log;
  std::vector<std::string> current;
  for (const RecordedLine& line : kRecording) {
    log.Add(line.text, kStart + milliseconds(line.at));
    const std::string now(log.Current());
    if (current.empty() || current.back() != now) current.push_back(now);
  }
  const std::vector<std::string> expected = {
      "[internal] load build definition from Dockerfile",
      "",
      "[internal] load .dockerignore",
      "",
      "[base 2/2] RUN [\"/bin/busybox\", \"--install\", \"/bin\"]",
      "",
      "[tools 1/1] RUN for i in 1 2 3; do echo \"fetching part $i of 3\"; sleep 0.4; done",
      "",
      "exporting to image",
      "exporting layers",
      "exporting to image",
      "pushing layers",
      "exporting to image",
      "pushing manifest for 127.0.0.1:5999/x:latest@sha256:fc37559c",
      "exporting to image",
      "",
  };
  EXPECT_EQ(current, expected);

  const std::vector<Phase> phases = log.Until(kStart + seconds(60));
  ASSERT_EQ(phases.size(), 8U);
  EXPECT_EQ(phases[3].name.substr(0, 15), "[tools 1/1] RUN");
  EXPECT_NEAR(phases[3].seconds, 1.3, 1e-9);
  EXPECT_EQ(phases[6].name, "pushing layers");
  EXPECT_NEAR(phases[6].seconds, 0.2, 1e-9);
  EXPECT_NEAR(phases[4].seconds, 1.1, 1e-9);
}

TEST(StepLine, LeavesEverythingElseAlone) {
  for (const char* line : {"", "#", "# 1", "#x [1/2] RUN", "#7", "#7 ", "7 [1/2] RUN x", "#7[1/2] RUN x",
                           "#7 0.123 [1/2] x", "#7 transferring context: 2B done", "#7 sha256:ab 1MB / 2MB",
                           "#99999999999999 [1/2] x", "#7 [unfinished", "plain text"}) {
    EXPECT_FALSE(ParseStepLine(line)) << line;
  }
}

TEST(StepLine, EndsOnErrorAndCancel) {
  for (const char* line :
       {"#7 ERROR: process \"/bin/sh -c false\" did not complete successfully: exit code: 1", "#7 CANCELED",
        "#7 CACHED", "#7 DONE 12.0s"}) {
    const auto parsed = ParseStepLine(line);
    ASSERT_TRUE(parsed) << line;
    EXPECT_EQ(parsed->kind, StepLine::Kind::EndStep);
    EXPECT_EQ(parsed->step, 7U);
  }
}

TEST(StepLine, LayersOfOneStepAreOnePart) {
  PhaseLog log;
  log.Add("#4 [1/2] FROM docker.io/library/python:3.9@sha256:e8e0", kStart);
  log.Add("#4 sha256:532f 192.35MB / 192.35MB 6.9s done", kStart + seconds(7));
  log.Add("#4 extracting sha256:532f", kStart + seconds(7));
  EXPECT_EQ(log.Current(), "extracting");
  log.Add("#4 extracting sha256:532f 5.1s", kStart + seconds(12));
  log.Add("#4 extracting sha256:532f 9.0s done", kStart + seconds(16));
  EXPECT_EQ(log.Current(), "[1/2] FROM docker.io/library/python:3.9@sha256:e8e0");
  log.Add("#4 extracting sha256:99aa", kStart + seconds(17));
  EXPECT_EQ(log.Current(), "extracting");
  log.Add("#4 DONE 20.0s", kStart + seconds(20));
  const auto phases = log.Until(kStart + seconds(30));
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[1].seconds, 12);
}

TEST(StepLine, ReadsTheStepsOfBuildersBeforeBuildkit) {
  PhaseLog log;
  log.Add("Step 1/3 : FROM debian:12", kStart);
  log.Add(" ---> 5d15baf6c5cd", kStart);
  log.Add("Step 2/3 : RUN make -s", kStart + seconds(2));
  EXPECT_EQ(log.Current(), "Step 2/3 : RUN make -s");
  log.Add("Step 3/3 : CMD x", kStart + seconds(9));
  log.Add("Successfully built 5d15baf6c5cd", kStart + seconds(9));
  EXPECT_EQ(log.Current(), "");
  log.Add("STEP 2/2: RUN make -s", kStart + seconds(10));
  EXPECT_EQ(log.Current(), "STEP 2/2: RUN make -s");
  log.Add("COMMIT registry/x", kStart + seconds(11));
  EXPECT_EQ(log.Current(), "");
  EXPECT_EQ(log.Until(kStart + seconds(20))[1].seconds, 7);
  for (const char* line : {"Step 1: install", "Step one", "STEP 3 of 4: x", "Step 1/2"}) {
    EXPECT_FALSE(ParseStepLine(line)) << line;
  }
}

TEST(PhaseLog, AStepThatIsShownAgainGoesOn) {
  PhaseLog log;
  log.Add("#7 [1/2] RUN a", kStart);
  log.Add("#8 [2/2] RUN b", kStart + seconds(1));
  log.Add("#7 [1/2] RUN a", kStart + seconds(2));
  log.Add("#7 DONE 5.0s", kStart + seconds(5));
  const auto phases = log.Until(kStart + seconds(9));
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].seconds, 5);
  EXPECT_EQ(phases[1].seconds, 8);
  EXPECT_EQ(log.Current(), "[2/2] RUN b");
}

TEST(PhaseLog, APhaseThatComesBackAddsUp) {
  PhaseLog log;
  log.Add("#4 [1/2] FROM base:1", kStart);
  log.Add("#4 resolve base:1 0.1s done", kStart + seconds(1));
  log.Add("#4 DONE 0.1s", kStart + seconds(1));
  EXPECT_EQ(log.Current(), "");
  log.Add("#5 [2/2] RUN a", kStart + seconds(2));
  log.Add("#4 [1/2] FROM base:1", kStart + seconds(10));
  EXPECT_EQ(log.Current(), "[1/2] FROM base:1");
  log.Add("#4 DONE 2.1s", kStart + seconds(12));
  const auto phases = log.Until(kStart + seconds(30));
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].seconds, 3);
  EXPECT_EQ(phases[1].seconds, 28);
}

TEST(PhaseLog, IsBounded) {
  PhaseLog log;
  for (int step = 0; step < 10'000; ++step) {
    log.Add("#" + std::to_string(step) + " [1/2] " + std::string(10'000, 'x'), kStart);
  }
  const auto phases = log.Until(kStart);
  EXPECT_EQ(phases.size(), PhaseLog::kPhases);
  EXPECT_TRUE(std::all_of(phases.begin(), phases.end(),
                          [](const Phase& phase) { return phase.name.size() <= PhaseLog::kNameBytes; }));
}

}  // namespace
}  // namespace imagebatch::hang
