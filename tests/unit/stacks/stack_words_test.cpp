#include "runner/stacks/stack_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/stacks/stacks.h"

namespace imagebatch::runner {
namespace {

std::string NoSource(const FrameWords&) { return {}; }

const FrameWords kWait = {"/usr/lib/python3.11/threading.py", "Condition.wait", 320};
const FrameWords kGet = {"/usr/lib/python3.11/queue.py", "Queue.get", 171};
const FrameWords kRun = {"/usr/lib/python3.11/threading.py", "Thread.run", 975};

TEST(ShortPath, LeavesOutWhereALibraryIs) {
  EXPECT_EQ(ShortPath("/usr/lib/python3.11/logging/__init__.py"), "logging/__init__.py");
  EXPECT_EQ(ShortPath("/venv/lib/python3.9/site-packages/pip/main.py"), "pip/main.py");
  EXPECT_EQ(ShortPath("/usr/lib/python3/dist-packages/apt/cache.py"), "apt/cache.py");
  EXPECT_EQ(ShortPath("/src/build.py"), "/src/build.py");
}

TEST(ShortPath, KeepsTheLastPartOfALongOne) {
  const std::string path = ShortPath("/" + std::string(100, 'd') + "/" + std::string(30, 'e') + "/build.py");
  EXPECT_EQ(path, ".../" + std::string(30, 'e') + "/build.py");
  EXPECT_LE(ShortPath(std::string(500, 'x')).size(), 83U);
}

TEST(DescribeStack, ShowsWhereItIsAndHowTheProgramCameThere) {
  const std::vector<FrameWords> frames = {kWait,
                                          kGet,
                                          {"/usr/lib/python3.11/x.py", "skipped", 1},
                                          {"/src/build.py", "fetch", 12},
                                          {"/src/lib/more.py", "more", 3},
                                          {"/src/build.py", "main", 40},
                                          {"/src/build.py", "<module>", 50}};
  EXPECT_EQ(DescribeStack(frames, false,
                          [](const FrameWords& frame) {
                            return frame.line == 12 ? std::string("item = queue.get()") : "wrong";
                          }),
            "threading.py:320 Condition.wait < queue.py:171 Queue.get <~ /src/build.py:12 fetch "
            "`item = queue.get()` < /src/lib/more.py:3 more < /src/build.py:40 main < build.py:50 <module>");
}

TEST(DescribePlace, LeavesOutDirectoriesAndLines) {
  const auto source = [](const FrameWords&) { return std::string("queue.get() | x"); };
  const FrameWords fetch = {"/src/build.py", "fetch", 12}, main = {"/src/build.py", "main", 40};
  EXPECT_EQ(DescribePlace({kWait, kGet, fetch, main}, source),
            "threading.py Condition.wait|build.py fetch|build.py main|queue.get() | x");
  EXPECT_EQ(DescribePlace({fetch, kRun, main}, source), "|build.py fetch||queue.get() | x")
      << "it was not called directly";
  EXPECT_EQ(DescribePlace({fetch, {"/src/build.py", "<module>", 50}}, NoSource), "|build.py fetch||");
  EXPECT_EQ(DescribePlace({kWait, kGet}, source), "threading.py Condition.wait|||");
  EXPECT_EQ(DescribePlace({}, source), "");
}

TEST(DescribePlace, IsPrintableAndBounded) {
  const std::string wild(100'000, '\x1b');
  const auto source = [](const FrameWords&) { return std::string(100'000, 'x'); };
  const std::string place = DescribePlace({{wild, wild, 1}, {"a|b", "c|d", 2}}, source);
  EXPECT_LE(place.size(), kPlaceBytes);
  EXPECT_EQ(place.find('\x1b'), std::string::npos);
  EXPECT_EQ(DescribePlace({{"/a|b", "c|d", 2}}, NoSource), "|a/b c/d||");
}

TEST(DescribeStack, OfTheLibraryAloneIsShort) {
  EXPECT_EQ(DescribeStack({kWait, kGet, kRun, kRun, kRun}, false, NoSource),
            "threading.py:320 Condition.wait < queue.py:171 Queue.get < threading.py:975 Thread.run");
}

TEST(DescribeStack, OfADeepRecursionIsShort) {
  const std::vector<FrameWords> frames(64, {"/src/a.py", "walk", 7});
  EXPECT_EQ(DescribeStack(frames, true, NoSource),
            "/src/a.py:7 walk < a.py:7 walk < a.py:7 walk < a.py:7 walk < a.py:7 walk <~ a.py:7 walk <~ ...");
}

TEST(DescribeStack, LeavesOutTheParentsPast) {
  const FrameWords launch = {"/usr/lib/python3.11/multiprocessing/popen_fork.py", "Popen._launch", 71};
  const std::vector<FrameWords> frames = {kGet,
                                          {"/usr/lib/python3.11/multiprocessing/process.py", "run", 108},
                                          launch,
                                          {"/src/build.py", "start", 9}};
  EXPECT_EQ(DescribeStack(frames, false, NoSource),
            "queue.py:171 Queue.get < multiprocessing/process.py:108 run <~ (forked)");
  EXPECT_EQ(OwnFrame(frames), 0U);
}

TEST(DescribeStack, IsPrintableAndBounded) {
  std::vector<FrameWords> frames;
  const std::string wild(300, '\x01');
  for (int line = 0; line < 20; ++line) frames.push_back({wild, wild, line});
  const std::string text =
      DescribeStack(frames, false, [&wild](const FrameWords&) { return std::string(60, 'x'); });
  EXPECT_LE(text.size(), kStackBytes);
  EXPECT_EQ(text.find('\x01'), std::string::npos);
  EXPECT_EQ(DescribeStack({}, false, NoSource), "");
}

}  // namespace
}  // namespace imagebatch::runner
