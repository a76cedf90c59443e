#include "pattern/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace imagebatch {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string ErrorOf(const std::string& text) {
  const auto pattern = Pattern::Compile(text);
  return pattern ? "" : pattern.error().message;
}

TEST(Pattern, MatchesAnywhereInALineUnlessItIsAnchored) {
  const auto step = Pattern::Compile("step [0-9]+");
  ASSERT_TRUE(step);
  EXPECT_EQ(step->text(), "step [0-9]+");
  EXPECT_TRUE(step->IsIn("12:00 step 7 of 9"));
  EXPECT_FALSE(step->IsIn("Step 7"));
  EXPECT_FALSE(step->IsIn(""));
  const auto whole = Pattern::Compile("^done$");
  ASSERT_TRUE(whole);
  EXPECT_TRUE(whole->IsIn("done"));
  EXPECT_FALSE(whole->IsIn("not done"));
}

TEST(Pattern, ADotIsACharacterAndAnyByteCanBeRead) {
  const auto one = Pattern::Compile("^.$");
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->IsIn("ä"));
  EXPECT_FALSE(one->IsIn("\xff"));
  const auto word = Pattern::Compile("ok");
  ASSERT_TRUE(word);
  EXPECT_TRUE(word->IsIn(std::string_view("\xff\0ok", 4)));
}

TEST(Pattern, WhatIsNoneIsSaidWithThePlace) {
  EXPECT_THAT(ErrorOf("a(b"), HasSubstr("missing ): a(b"));
  EXPECT_THAT(ErrorOf("[z-a]"), HasSubstr("z-a"));
  EXPECT_THAT(ErrorOf("a**"), HasSubstr("**"));
  EXPECT_THAT(ErrorOf("(?=look)"), HasSubstr("(?="));
  EXPECT_THAT(ErrorOf("\xff"), HasSubstr("UTF-8"));
  EXPECT_EQ(ErrorOf(""), "the pattern is empty");
}

TEST(Pattern, ItsSizeIsBounded) {
  EXPECT_EQ(ErrorOf(std::string(Pattern::kMostBytes, 'x')), "");
  EXPECT_EQ(ErrorOf(std::string(Pattern::kMostBytes + 1, 'x')),
            "the pattern has 257 bytes; the limit is 256");
  EXPECT_THAT(ErrorOf("(\\pL{30}){30}"), StartsWith("pattern too large"));
}

// With a matcher that tries one way after the other this would take longer than the universe has.
TEST(Pattern, TheTimeIsLinearInTheLineWhateverThePattern) {
  const auto pattern = Pattern::Compile("(a*)*(a*)*(a*)*b");
  ASSERT_TRUE(pattern);
  EXPECT_FALSE(pattern->IsIn(std::string(4096, 'a')));
}

}  // namespace
}  // namespace imagebatch
