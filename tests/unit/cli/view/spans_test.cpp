#include "cli/view/spans.h"

#include <gtest/gtest.h>

namespace imagebatch::cli {
namespace {

using namespace std::chrono_literals;

TEST(Span, IsWrittenAsKubectlDoes) {
  EXPECT_EQ(Span(-5s), "0s");
  EXPECT_EQ(Span(119s), "119s");
  EXPECT_EQ(Span(120s), "2m");
  EXPECT_EQ(Span(9min + 30s), "9m30s");
  EXPECT_EQ(Span(179min), "179m");
  EXPECT_EQ(Span(3h + 5min), "3h5m");
  EXPECT_EQ(Span(9h + 5min), "9h");
  EXPECT_EQ(Span(50h), "2d2h");
  EXPECT_EQ(Span(24h * 30), "30d");
}

TEST(ParseSpan, ReadsWhatKubectlReads) {
  EXPECT_EQ(ParseSpan("90s"), Duration(90s));
  EXPECT_EQ(ParseSpan("1h30m"), Duration(90min));
  EXPECT_EQ(ParseSpan("500ms"), Duration(500ms));
  EXPECT_EQ(ParseSpan("0"), Duration(0s));
  EXPECT_EQ(ParseSpan("0s"), Duration(0s));
  for (const char* text : {"", "5", "s", "-1s", "1.5h", "1h 30m", "2d", "99999999h", "4294967296s"})
    EXPECT_FALSE(ParseSpan(text)) << text;
}

}  // namespace
}  // namespace imagebatch::cli
