#include "hang/random_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace imagebatch::hang {
namespace {

Draw Judge(const std::vector<std::string>& texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return JudgeTexts(views);
}

/// `count` texts: `before`, then `size` signs of `alphabet`.
std::vector<std::string> Drawn(const std::string& before, const std::string& alphabet, size_t size,
                               int count) {
  std::minstd_rand random(7);
  std::vector<std::string> texts;
  for (int text = 0; text < count; ++text) {
    texts.push_back(before);
    for (size_t place = 0; place < size; ++place) texts.back() += alphabet[random() % alphabet.size()];
  }
  return texts;
}

const char* const kLetters = "abcdefghijklmnopqrstuvwxyz";

TEST(RandomText, FindsWhatIsDrawn) {
  EXPECT_EQ(Judge(Drawn("perm_test_", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 32, 4)), Draw::Random);
  EXPECT_EQ(Judge(Drawn("", kLetters, 8, 6)), Draw::Random);
  EXPECT_EQ(Judge(Drawn("", kLetters, 5, 8)), Draw::Random);
  EXPECT_EQ(Judge(Drawn("build-", "bcdfghjklmnpqrstvwxz2456789", 5, 6)), Draw::Random) << "of a Pod";
  EXPECT_EQ(Judge(Drawn("tmp", "abcdefghijklmnopqrstuvwxyz0123456789_", 8, 6)), Draw::Random);
}

TEST(RandomText, ThreeAtLeast) {
  const auto texts = Drawn("", kLetters, 32, 3);
  EXPECT_EQ(Judge({texts[0]}), Draw::List);
  EXPECT_EQ(Judge({texts[0], texts[1]}), Draw::Unclear);
  EXPECT_NE(Judge(texts), Draw::List);
  EXPECT_EQ(Judge({}), Draw::List);
  EXPECT_EQ(Judge({"", ""}), Draw::List);
}

TEST(RandomText, NamesAreNone) {
  EXPECT_EQ(Judge({"libc6", "tzdata", "perl", "gcc", "libssl3", "curl", "git", "xz-utils"}), Draw::List);
  EXPECT_EQ(Judge({"serde", "tokio", "regex", "clap4", "bytes", "httpx", "rayon", "tower"}), Draw::List)
      << "of one length";
  EXPECT_EQ(Judge({"test_add", "test_sub", "test_mul", "test_div", "test_pow", "test_mod"}), Draw::List);
  EXPECT_EQ(Judge({"aaaaaa", "aaaaab", "aaaaac", "aaaaad", "aaaaae"}), Draw::List) << "counted";
  EXPECT_EQ(Judge({"abcxyz", "bbcxyz", "cbcxyz", "dbcxyz", "ebcxyz"}), Draw::List) << "counted from the left";
}

TEST(RandomText, WhatStandsInOrderIsAList) {
  std::vector<std::string> texts = Drawn("", kLetters, 8, 8);
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(Judge(texts), Draw::List);
}

/// The packages of a real build, in the order in which it named them.
TEST(RandomText, NoWindowOfRealNamesIsRandom) {
  std::ifstream file(std::string(TEST_DATA) + "/output/names.txt");
  std::vector<std::string> names;
  for (std::string name; std::getline(file, name);) names.push_back(name);
  ASSERT_GE(names.size(), 200U);
  for (size_t first = 0; first + 8 <= names.size(); ++first)
    EXPECT_NE(Judge({names.begin() + static_cast<long>(first), names.begin() + static_cast<long>(first) + 8}),
              Draw::Random)
        << names[first];
}

}  // namespace
}  // namespace imagebatch::hang
