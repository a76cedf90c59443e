#include "runner/output/expected_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace imagebatch::runner {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Pattern> Patterns(const std::vector<std::string>& texts) {
  std::vector<Pattern> patterns;
  for (const std::string& text : texts) patterns.push_back(Pattern::Compile(text).value());
  return patterns;
}

TEST(ExpectedLines, EachPatternHasACountOfItsOwn) {
  ExpectedLines lines(Patterns({"^step", "done"}));
  EXPECT_THAT(lines.Seen(), ElementsAre(0, 0));
  lines.Add(0, "step 1\nnothing\n");
  EXPECT_THAT(lines.Seen(), ElementsAre(1, 0));
  lines.Add(1, "all done\n");
  EXPECT_THAT(lines.Seen(), ElementsAre(1, 1));
}

TEST(ExpectedLines, APatternCountsOnceInAPeriod) {
  ExpectedLines lines(Patterns({"step"}));
  lines.Add(0, "step 1\nstep 2\n");
  EXPECT_THAT(lines.Seen(), ElementsAre(1));
  lines.Renew();
  lines.Add(0, "step 3\n");
  EXPECT_THAT(lines.Seen(), ElementsAre(2));
}

TEST(ExpectedLines, TheResultDoesNotDependOnHowTheBytesAreSplit) {
  const std::string text = "one\rstep 1\r\nstop 2\nstep 3\n";
  for (size_t size = 1; size <= text.size(); ++size) {
    ExpectedLines lines(Patterns({"^step [0-9]$", "^$", "onestep"}));
    for (size_t at = 0; at < text.size(); at += size) lines.Add(0, std::string_view(text).substr(at, size));
    EXPECT_THAT(lines.Seen(), ElementsAre(1, 1, 0)) << size;
  }
}

TEST(ExpectedLines, StreamsAreNotMixed) {
  ExpectedLines lines(Patterns({"step 1"}));
  lines.Add(0, "step ");
  lines.Add(1, "1\n");
  lines.Add(0, "2\n");
  EXPECT_THAT(lines.Seen(), ElementsAre(0));
}

TEST(ExpectedLines, ALineWithoutItsEndCountsWhenItHasGrown) {
  ExpectedLines lines(Patterns({"[.]$"}));
  lines.Add(0, "tests ..");
  EXPECT_THAT(lines.Seen(), ElementsAre(0));
  lines.Renew();
  EXPECT_THAT(lines.Seen(), ElementsAre(1));
  lines.Renew();
  EXPECT_THAT(lines.Seen(), ElementsAre(1)) << "nothing was added";
  lines.Add(0, ".");
  lines.Renew();
  EXPECT_THAT(lines.Seen(), ElementsAre(2));
}

TEST(ExpectedLines, OfALongLineTheStartIsLookedAt) {
  ExpectedLines lines(Patterns({"early", "late"}));
  lines.Add(0, "early");
  for (int piece = 0; piece < 100; ++piece) lines.Add(0, std::string(1000, 'x'));
  lines.Add(0, "late\n");
  EXPECT_THAT(lines.Seen(), ElementsAre(1, 0));
}

TEST(ExpectedLines, WithoutPatternsThereIsNothingToDo) {
  ExpectedLines lines({});
  lines.Add(0, "step\n");
  lines.Renew();
  EXPECT_THAT(lines.Seen(), IsEmpty());
}

}  // namespace
}  // namespace imagebatch::runner
