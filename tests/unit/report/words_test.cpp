#include "report/words.h"

#include <gtest/gtest.h>

#include <limits>

namespace imagebatch::report {
namespace {

TEST(WordsTest, NothingTurnsTheDirectionOfText) {
  EXPECT_EQ(OneLine("a\xE2\x80\xAE"
                    "b\xE2\x81\xA6"
                    "c\xE2\x80\x8F"
                    "d\xD8\x9C",
                    100),
            "a?b?c?d?");
  EXPECT_EQ(OneLine("a\xE2\x80\xA8"
                    "b",
                    100),
            "a?b")
      << "U+2028 ends a line";
  EXPECT_EQ(OneLine("\xE2\x82\xAC \xD8\xA7 \xE2\x80\x93", 100), "\xE2\x82\xAC \xD8\xA7 \xE2\x80\x93")
      << "the rest stays";
}

TEST(WordsTest, ControlCharactersAndInvalidBytesAreMarked) {
  EXPECT_EQ(OneLine(std::string_view("a\x1b[31m\0b\xff\xed\xa0\x80", 12), 100), "a?[31m?b????");
}

TEST(WordsTest, ManyLinesKeepTheirNewlinesAndAreBounded) {
  EXPECT_EQ(ManyLines("a\n\nb\x1b\n", 100), "a\n\nb?");
  EXPECT_LE(ManyLines(std::string(100000, '\n'), 50).size(), 50U);
  EXPECT_LE(ManyLines(std::string(100000, 'x'), 50).size(), 50U);
}

TEST(WordsTest, HtmlIsText) {
  EXPECT_EQ(Html("<script>\"&'</script>"), "&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;");
}

TEST(WordsTest, MarkdownIsText) {
  const std::string shown =
      Markdown("<img src=x> [a](http://x) @you #1 `x` **b** | www.x.y ~~s~~ \\ $x$ ![i](y)\nz");
  for (const char* markup :
       {"<", ">", "[", "]", "(", "://", "@", " #1", "`", "*", "|", "www.", "~", "\\", "$", "!", "\n"})
    EXPECT_EQ(shown.find(markup), std::string::npos) << markup << " in " << shown;
}

TEST(WordsTest, JsonInAPageEndsNoScript) {
  EXPECT_EQ(JsonForHtml("\"</script><!--\xE2\x80\xA8\xE2\x80\xA9\""),
            "\"\\u003c/script>\\u003c!--\\u2028\\u2029\"");
}

TEST(WordsTest, Spans) {
  EXPECT_EQ(Span(std::nullopt), "n/a");
  EXPECT_EQ(Span(0.4), "0s");
  EXPECT_EQ(Span(59.6), "1m 00s");
  EXPECT_EQ(Span(3725), "1h 02m 05s");
  EXPECT_EQ(Span(-1), "0s");
  EXPECT_EQ(Span(std::numeric_limits<double>::quiet_NaN()), "n/a");
  EXPECT_FALSE(Span(1e300).empty());
}

TEST(WordsTest, TimesAreThoseOfPython) {
  using std::chrono::milliseconds;
  EXPECT_EQ(IsoTime(Time(milliseconds(1773360000000))), "2026-03-13T00:00:00+00:00");
  EXPECT_EQ(IsoTime(Time(milliseconds(1773360000250))), "2026-03-13T00:00:00.250+00:00");
}

}  // namespace
}  // namespace imagebatch::report
