#include "cluster/objects/names.h"

#include <gtest/gtest.h>

#include <set>

namespace imagebatch::cluster {
namespace {

TEST(NamesTest, Sha256IsTheOneOfFips180) {
  EXPECT_EQ(Sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// base64.b32encode(hashlib.sha256(text).digest()).lower()[:10] of Python for "<uid>/<stage>/<key>"
TEST(NamesTest, BuildHashIsBase32OfSha256) {
  EXPECT_EQ(BuildHash("6f1d2c3b-0000-4000-8000-0123456789ab", "env", "django/django-2.2"), "pbmptdvufu");
  EXPECT_EQ(BuildHash("u", "image", "a"), "6hzey7ay5e");
  EXPECT_EQ(BuildHash("u", "env", "a"), "36jlqcoktt");
  EXPECT_EQ(BuildHash("", "", ""), "ulbdhfur7r");
}

TEST(NamesTest, TheBordersBetweenBatchStageAndKeyCount) {
  const std::set<std::string> hashes = {BuildHash("u", "a", "b/c"), BuildHash("u", "a-b", "c"),
                                        BuildHash("u", "ab", "c"),  BuildHash("u", "a", "bc"),
                                        BuildHash("ua", "", "bc"),  BuildHash("u", "", "a/bc"),
                                        BuildHash("v", "a", "b/c"), BuildHash("u", "b", "a/c")};
  EXPECT_EQ(hashes.size(), 8u);
}

TEST(NamesTest, JobNameIsALabelOfAtMost63Characters) {
  const std::string hash = "abcdefghij";
  EXPECT_EQ(JobName("swebench", hash, 1), "swebench-abcdefghij-1");
  EXPECT_EQ(JobName(std::string(253, 'b'), hash, 1), std::string(50, 'b') + "-abcdefghij-1");
  EXPECT_EQ(JobName(std::string(253, 'b'), hash, 1000), std::string(47, 'b') + "-abcdefghij-1000");
  EXPECT_EQ(JobName(std::string(50, 'b'), hash, 1).size(), 63u);
}

TEST(NamesTest, EvidenceIsNamedAfterItsAttempt) {
  EXPECT_EQ(EvidenceName("v1.2", "abcdefghij", 2), "v1-2-evidence-abcdefghij-2");
  EXPECT_EQ(EvidenceName(std::string(63, 'b'), "abcdefghij", 1).size(), 63u);
}

TEST(NamesTest, JobNameHasNoDotsAndNoDashesInARow) {
  const std::string hash = "abcdefghij";
  EXPECT_EQ(JobName("v1.2.3", hash, 2), "v1-2-3-abcdefghij-2");
  EXPECT_EQ(JobName(std::string(49, 'b') + ".c", hash, 1), std::string(49, 'b') + "-abcdefghij-1");
}

TEST(NamesTest, LabelValueKeepsWhatALabelMayHold) {
  const struct {
    std::string text, label;
  } cases[] = {
      {"django-10097", "django-10097"},
      {"astropy/astropy 4.3", "astropy_astropy_4.3"},
      {"-a-", "a"},
      {"é", ""},
      {"", ""},
      {std::string(70, 'x'), std::string(63, 'x')},
      {std::string(62, 'x') + ".y", std::string(62, 'x')},
  };
  for (const auto& [text, label] : cases) EXPECT_EQ(LabelValue(text), label) << text;
}

}  // namespace
}  // namespace imagebatch::cluster
