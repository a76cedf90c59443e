#include <gtest/gtest.h>

#include "base/text.h"
#include "base/time.h"

namespace imagebatch {
namespace {

using std::chrono::milliseconds;

TEST(TimeTest, FormatAndParseAreInverse) {
  const auto time = ParseTime("2026-02-28T23:59:59Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(FormatTime(*time), "2026-02-28T23:59:59Z");
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

TEST(TextTest, JsonEscapeLeavesNothingToForge) {
  EXPECT_EQ(JsonEscape("a\"b\\c\nd\x01"), "a\\\"b\\\\c\\nd\\u0001");
  EXPECT_EQ(JsonEscape("\xff"), "\\ufffd");
}

}  // namespace
}  // namespace imagebatch
