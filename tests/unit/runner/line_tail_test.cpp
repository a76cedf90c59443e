#include "runner/output/line_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imagebatch::runner {
namespace {

using testing::ElementsAre;

const hang::TimePoint kNow{};

std::vector<std::string> Tail(const std::vector<std::string>& chunks) {
  LineTail tail;
  for (const std::string& chunk : chunks) tail.Add(0, chunk, kNow);
  return tail.Last();
}

TEST(LineTail, JoinsLinesAcrossChunks) {
  EXPECT_THAT(Tail({"one\ntw", "o\n", "thr", "ee"}), ElementsAre("one", "two", "three"));
}

TEST(LineTail, KeepsStreamsApart) {
  LineTail tail;
  tail.Add(0, "out", kNow);
  tail.Add(1, "error\n", kNow);
  tail.Add(0, "put\n", kNow);
  EXPECT_THAT(tail.Last(), ElementsAre("error", "output"));
}

TEST(LineTail, ShowsWhatAProgressBarShows) {
  EXPECT_THAT(Tail({"10%\r20%\r30%"}), ElementsAre("30%"));
  EXPECT_THAT(Tail({"10%\r", "20%\r", "30%\r", "\n"}), ElementsAre("30%"));
  EXPECT_THAT(Tail({"dos\r\nlines\r", "\n"}), ElementsAre("dos", "lines"));
  const std::string wide(1000, 'x');
  EXPECT_THAT(Tail({wide + "\r", "30%"}), ElementsAre("30%"));
}

TEST(LineTail, KeepsTheLastLinesOnly) {
  LineTail tail;
  for (int line = 0; line < 1000; ++line) tail.Add(0, "line " + std::to_string(line) + "\n", kNow);
  const auto last = tail.Last();
  ASSERT_EQ(last.size(), LineTail::kLines);
  EXPECT_EQ(last.front(), "line 980");
  EXPECT_EQ(last.back(), "line 999");
}

TEST(LineTail, KnowsWhatWasSaidSince) {
  LineTail tail;
  const auto at = [](int second) { return kNow + std::chrono::seconds(second); };
  tail.Add(0, "news\n", at(10));
  EXPECT_THAT(tail.Since(at(9)), ElementsAre("news"));
  EXPECT_THAT(tail.Since(at(10)), testing::IsEmpty());
  tail.Add(0, "wait", at(20));
  EXPECT_THAT(tail.Since(at(10)), ElementsAre("wait")) << "there is no whole line";
  tail.Add(0, "ing\nwait", at(30));
  EXPECT_THAT(tail.Since(at(10)), ElementsAre("waiting")) << "half a line is none";
  for (int line = 0; line < 1000; ++line) tail.Add(0, std::to_string(line) + "\n", at(40));
  EXPECT_EQ(tail.Since(at(10)).size(), LineTail::kLinesKept);
  EXPECT_EQ(tail.Since(at(10)).back(), "999");
}

TEST(LineTail, ALongLineTakesNoMemory) {
  LineTail tail;
  const std::string piece(65536, 'x');
  for (int count = 0; count < 100; ++count) tail.Add(0, piece, kNow);
  ASSERT_EQ(tail.Last().size(), 1U);
  EXPECT_LE(tail.Last().front().size(), LineTail::kLineBytes + 1);
}

TEST(LineTail, ReadsPhasesFromTheLines) {
  LineTail tail;
  tail.Add(1, "#7 [1/2] RUN make\n#7 0.1 compi", kNow);
  EXPECT_EQ(tail.Phases().Current(), "[1/2] RUN make");
  tail.Add(1, "ling\n#7 DONE 0.2s\r\n", kNow);
  EXPECT_EQ(tail.Phases().Current(), "");
}

}  // namespace
}  // namespace imagebatch::runner
