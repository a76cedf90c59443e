#include "cli/view/build_name.h"

#include <gmock/gmock.h>

namespace imagebatch::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::vector<std::string> kStages = {"env", "image"};
const std::vector<BuildName> kKnown = {{"env", "django-3.0"}, {"env", "a/b"},  {"image", "django-1"},
                                       {"image", "both"},     {"env", "both"}, {"image", "env/both"}};

std::string Chosen(const std::string& text) {
  const auto build = ChooseBuild(text, kKnown, kStages);
  return build ? build->Whole() : "error: " + build.error().message;
}

TEST(ChooseBuild, TakesTheStageWithTheNameOrAUniqueName) {
  EXPECT_EQ(Chosen("env/django-3.0"), "env/django-3.0");
  EXPECT_EQ(Chosen("django-1"), "image/django-1");
  EXPECT_EQ(Chosen("image/both"), "image/both");
  EXPECT_EQ(Chosen("a/b"), "env/a/b") << "names may have a slash";
}

TEST(ChooseBuild, ListsTheCandidatesOfSeveral) {
  EXPECT_THAT(Chosen("both"), AllOf(HasSubstr("several builds"), HasSubstr("image/both, env/both"),
                                    HasSubstr("give the stage")));
  EXPECT_THAT(Chosen("env/both"), AllOf(HasSubstr("several builds"), HasSubstr("env/both, image/env/both")))
      << "it is the name of one and the stage and name of another";
}

TEST(ChooseBuild, NamesOneThatIsCalledAlike) {
  EXPECT_THAT(Chosen("djangoo-1"),
              AllOf(HasSubstr("no build \"djangoo-1\""), HasSubstr("did you mean django-1?")));
  EXPECT_THAT(Chosen("env/django-3.1"), HasSubstr("did you mean env/django-3.0?"));
  EXPECT_THAT(Chosen("something\nelse"),
              AllOf(HasSubstr("\"something else\""), HasSubstr("called like django-3.0")));
  EXPECT_THAT(ChooseBuild("x", {}, kStages).error().message, HasSubstr("no build \"x\""));
}

}  // namespace
}  // namespace imagebatch::cli
