#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/lists.h"
#include "base/percent_encode.h"
#include "base/text.h"
#include "base/text_index.h"
#include "base/text_pool.h"
#include "base/time.h"

namespace imagebatch {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(TimeTest, FormatAndParseAreInverse) {
  const auto time = ParseTime("2026-02-28T23:59:59Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(FormatTime(*time), "2026-02-28T23:59:59Z");
}

TEST(TimeTest, IsWrittenWithMillisecondsWhereTheyCount) {
  for (const char* text :
       {"2026-01-02T03:04:05.006Z", "2026-01-02T03:04:05.000Z", "1969-12-31T23:59:59.999Z"}) {
    const auto time = ParseTime(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(FormatTimeMillis(*time), text);
  }
}

TEST(TimeTest, FractionIsKeptToMilliseconds) {
  const auto whole = ParseTime("2026-01-02T03:04:05Z"),
             fraction = ParseTime("2026-01-02T03:04:05.678901234Z");
  ASSERT_TRUE(whole && fraction);
  EXPECT_EQ(*fraction - *whole, milliseconds(678));
}

TEST(TimeTest, OffsetsAreTakenOff) {
  const auto utc = ParseTime("2026-01-02T03:04:05.6Z");
  ASSERT_TRUE(utc);
  EXPECT_EQ(ParseTime("2026-01-02T05:34:05.600000000+02:30"), utc);
  EXPECT_EQ(ParseTime("2026-01-01T22:04:05.6-05:00"), utc);
}

TEST(TimeTest, RejectsWhatIsNotATime) {
  for (const char* text :
       {"", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z",
        "2026-01-02T24:04:05Z", "2026-01-02T03:04:05.x1Z", "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05+02:00Z", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05*02:00",
        "2026-01-02T03:04:05Z+02:00", "2026-01-02T03:04:05+0200"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
}

TEST(TextTest, CutKeepsWholeCharacters) {
  EXPECT_EQ(Cut("abcdef", 6), "abcdef");
  EXPECT_EQ(Cut("abcdefg", 6), "abc...");
  EXPECT_EQ(Cut("ab\xC3\xA9\xC3\xA9xx", 6), "ab...");  // the cut would fall inside the first e with accent
  EXPECT_EQ(Cut("abcdef", 2), "..");
}

TEST(TextTest, PrintableDefusesControlCharacters) {
  EXPECT_EQ(Printable("a\x1b[31mb\nc", 99), "a?[31mb c");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "31m",
                      99),
            "?31m");  // a one-character CSI
  EXPECT_EQ(Printable("\xff\xC3\xA9", 99), "?\xC3\xA9");
  EXPECT_LE(Printable(std::string(1000, '\xff'), 20).size(), 20u);
}

TEST(TextTest, NestingIsCountedOutsideOfStrings) {
  EXPECT_FALSE(NestedDeeper("", 0));
  EXPECT_TRUE(NestedDeeper("[]", 0));
  EXPECT_FALSE(NestedDeeper(R"([{"a": [1]}, [[2]], "[[[[", "\"[[[[\\", []])", 3));
  EXPECT_TRUE(NestedDeeper(R"([{"a": [1]}, [[[2]]]])", 3));
  EXPECT_TRUE(NestedDeeper(R"(["\\", [[[2]]]])", 3));
  EXPECT_FALSE(NestedDeeper("]]]][[", 2));
}

TEST(TextTest, JsonEscapeLeavesNothingToForge) {
  EXPECT_EQ(JsonEscape("a\"b\\c\nd\x01"), "a\\\"b\\\\c\\nd\\u0001");
  EXPECT_EQ(JsonEscape("\xff"), "\\ufffd");
}

TEST(PercentEncodeTest, LeavesTheUnreservedCharactersAlone) {
  EXPECT_EQ(PercentEncode("a-b.c_d~1"), "a-b.c_d~1");
  EXPECT_EQ(PercentEncode("a/b?c=d&e f%\xC3\xA9\n"), "a%2Fb%3Fc%3Dd%26e%20f%25%C3%A9%0A");
}

TEST(TextPoolTest, KeepsTextsOfAllSizesWhereTheyAre) {
  TextPool pool;
  std::vector<std::string> texts;
  std::vector<std::string_view> stored;
  for (size_t i = 0; i < 2000; ++i) {
    texts.emplace_back(i % 500 == 0 ? 300'000 : i % 97, static_cast<char>('a' + i % 26));
    stored.push_back(pool.Store(texts.back()));
  }
  const TextPool moved = std::move(pool);
  for (size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(stored[i], texts[i]) << i;
}

TEST(TextIndexTest, FindsTheNumberOfEveryTextAndOfNoOther) {
  std::vector<std::string> texts;
  const auto text_of = [&](uint32_t number) { return std::string_view(texts[number]); };
  TextIndex index;
  EXPECT_EQ(index.Find("", text_of), std::nullopt);
  for (uint32_t i = 0; i < 5000; ++i) {
    texts.push_back(std::to_string(i * 7));
    ASSERT_EQ(index.Find(texts.back(), text_of), std::nullopt);
    index.Add(i, text_of);
  }
  for (uint32_t i = 0; i < 5000; ++i) ASSERT_EQ(index.Find(texts[i], text_of), i);
  EXPECT_EQ(index.Find("1", text_of), std::nullopt);
}

TEST(ListsTest, TheInverseOfAListIsWhoHasIt) {
  Lists lists;
  lists.Add({});
  lists.Add(std::vector<uint32_t>{0});
  lists.Add(std::vector<uint32_t>{0, 1});
  EXPECT_EQ(lists.size(), 3U);
  EXPECT_THAT(lists[0], IsEmpty());
  EXPECT_THAT(lists[2], ElementsAre(0, 1));
  const Lists inverse = lists.Inverse();
  EXPECT_EQ(inverse.size(), 3U);
  EXPECT_THAT(inverse[0], ElementsAre(1, 2));
  EXPECT_THAT(inverse[1], ElementsAre(2));
  EXPECT_THAT(inverse[2], IsEmpty());
  EXPECT_EQ(Lists().Inverse().size(), 0U);
}

}  // namespace
}  // namespace imagebatch
