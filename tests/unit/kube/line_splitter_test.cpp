#include "kube/line_splitter.h"

#include <gmock/gmock.h>
#include <simdjson.h>

#include <vector>

namespace imagebatch::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Lines(LineSplitter& splitter) {
  std::vector<std::string> lines;
  for (std::string_view line; splitter.Next(line);) lines.emplace_back(line);
  return lines;
}

TEST(LineSplitter, CutsAtLineFeedsHoweverThePiecesFall) {
  const std::string text = "one\ntwo\n\nthree\nrest";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    SCOPED_TRACE(piece);
    LineSplitter splitter;
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size(); at += piece) {
      ASSERT_TRUE(splitter.Feed(std::string_view(text).substr(at, piece)));
      for (std::string& line : Lines(splitter)) lines.push_back(std::move(line));
    }
    EXPECT_THAT(lines, ElementsAre("one", "two", "three"));
    EXPECT_EQ(splitter.Rest(), "rest");
  }
}

TEST(LineSplitter, KeepsLinesThatWereNotTakenYet) {
  LineSplitter splitter;
  ASSERT_TRUE(splitter.Feed("one\ntwo\n"));
  std::string_view line;
  ASSERT_TRUE(splitter.Next(line));
  ASSERT_TRUE(splitter.Feed("three\n"));
  EXPECT_THAT(Lines(splitter), ElementsAre("two", "three"));
}

TEST(LineSplitter, RefusesALineBeyondTheLimit) {
  LineSplitter splitter(10);
  EXPECT_TRUE(splitter.Feed("12345"));
  EXPECT_TRUE(splitter.Feed("67890"));
  EXPECT_FALSE(splitter.Feed("1"));
}

TEST(LineSplitter, CountsOnlyTheOpenLineAgainstTheLimit) {
  LineSplitter splitter(10);
  EXPECT_TRUE(splitter.Feed("12345\n12345\n12345\n1234567890"));
  EXPECT_THAT(Lines(splitter), ElementsAre("12345", "12345", "12345"));
  EXPECT_FALSE(splitter.Feed("1"));
}

// The address sanitizer tells where it does not.
TEST(LineSplitter, LeavesRoomBehindALineForSimdjson) {
  LineSplitter splitter;
  simdjson::ondemand::parser parser;
  for (size_t size = 2; size < 5000; size += 7) {
    const std::string text = "[" + std::string(size - 2, '1') + "]";
    ASSERT_TRUE(splitter.Feed(text));
    ASSERT_TRUE(splitter.Feed("\n"));
    std::string_view line;
    ASSERT_TRUE(splitter.Next(line));
    simdjson::ondemand::document document;
    const simdjson::padded_string_view padded(line.data(), line.size(),
                                              line.size() + simdjson::SIMDJSON_PADDING);
    EXPECT_EQ(parser.iterate(padded).get(document), simdjson::SUCCESS);
  }
}

TEST(LineSplitter, HandlesAFewMebibytesInOneLine) {
  LineSplitter splitter;
  const std::string piece(64 * 1024, 'x');
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(splitter.Feed(piece));
    EXPECT_THAT(Lines(splitter), IsEmpty());
  }
  ASSERT_TRUE(splitter.Feed("\n"));
  std::string_view line;
  ASSERT_TRUE(splitter.Next(line));
  EXPECT_EQ(line.size(), 100 * piece.size());
}

}  // namespace
}  // namespace imagebatch::kube
