#include "kube/line_filter.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace imagebatch::kube {
namespace {

std::string Filter(std::string_view text, size_t piece) {
  LineFilter filter("mark");
  for (size_t at = 0; at < text.size(); at += piece) filter.Feed(text.substr(at, piece));
  return filter.Take();
}

TEST(LineFilter, KeepsTheLinesWithTheWordAndTheBeginningOfTheLastHoweverTheTextIsCut) {
  const std::string text = "1 a\n2 mark x\n3 b\n\n4 mark\n5 c\n6 " + std::string(200, 'd') + "\n7 open";
  for (const size_t piece : {1U, 2U, 3U, 7U, 1000U}) {
    EXPECT_EQ(Filter(text, piece), "2 mark x\n4 mark\n6 " + std::string(126, 'd') + "\n") << piece;
  }
}

TEST(LineFilter, KeepsAnOpenLineOnlyWithTheWord) {
  EXPECT_EQ(Filter("1 a\n2 mark", 4), "1 a\n2 mark");
  EXPECT_EQ(Filter("1 mark\n2 a", 4), "1 mark\n");
  EXPECT_EQ(Filter("", 4), "");
  EXPECT_EQ(Filter("\n\n", 4), "");
}

TEST(LineFilter, HoldsABoundedPartOfAFlood) {
  const std::string endless(60 * 1024, 'x');
  LineFilter filter("mark");
  size_t most = 0, fed = 0;
  const auto feed = [&](std::string_view text) {
    filter.Feed(text);
    fed += text.size();
    most = std::max(most, filter.Held());
  };
  for (int i = 0; i < 1000; ++i) feed(endless);  // no line feed at all
  feed("\n2 short\n");
  for (int i = 0; i < 1000; ++i) feed("3 mark " + endless + "\n");  // each is to be kept
  feed("4 mark last\n");
  EXPECT_GT(fed, 120'000'000U);
  EXPECT_LE(most, 3 * LineFilter::kMostKept);
  const std::string kept = filter.Take();
  EXPECT_LE(kept.size(), LineFilter::kMostKept);
  EXPECT_TRUE(kept.starts_with("3 mark ")) << kept.substr(0, 20);
  EXPECT_TRUE(kept.ends_with("x\n4 mark last\n"));
}

}  // namespace
}  // namespace imagebatch::kube
