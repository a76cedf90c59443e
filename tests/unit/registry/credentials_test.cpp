#include "registry/credentials.h"

#include <gmock/gmock.h>

#include "base/base64.h"

namespace imagebatch::registry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Credentials From(const std::string& auths) {
  Credentials credentials;
  const auto added = credentials.Add("{\"auths\":{" + auths + "}}");
  EXPECT_TRUE(added) << added.error().message;
  return credentials;
}

std::string Entry(const std::string& key, const std::string& user) {
  return "\"" + key + "\":{\"username\":\"" + user + "\",\"password\":\"p\"}";
}

std::string UserFor(const Credentials& credentials, const std::string& registry,
                    const std::string& repository) {
  const auto login = credentials.Find(registry, repository);
  return login ? login->user : "";
}

TEST(Credentials, ReadAuthAndUserAndPassword) {
  const auto both = From("\"r.example\":{\"auth\":\"" + EncodeBase64("me:a:b") + "\"}");
  EXPECT_EQ(both.Find("r.example", "x")->user, "me");
  EXPECT_EQ(both.Find("r.example", "x")->password, "a:b");
  EXPECT_EQ(UserFor(From(Entry("r.example", "you")), "r.example", "x"), "you");
}

TEST(Credentials, TheLongestPathComesFirst) {
  const auto credentials = From(Entry("r.example", "all") + "," + Entry("r.example/team", "team") + "," +
                                Entry("r.example/team/x", "x"));
  EXPECT_EQ(UserFor(credentials, "r.example", "team/x/image"), "x");
  EXPECT_EQ(UserFor(credentials, "r.example", "team/y"), "team");
  EXPECT_EQ(UserFor(credentials, "r.example", "other"), "all");
  EXPECT_EQ(UserFor(credentials, "r.example:5000", "other"), "");
  EXPECT_EQ(UserFor(credentials, "other", "team/x"), "");
}

TEST(Credentials, GlobsStandForOneLabelOfTheName) {
  const auto credentials = From(Entry("*.example:5000", "glob") + "," + Entry("a.example:5000", "exact") +
                                "," + Entry("reg-??.corp", "two"));
  EXPECT_EQ(UserFor(credentials, "b.example:5000", "x"), "glob");
  EXPECT_EQ(UserFor(credentials, "a.example:5000", "x"), "exact");
  EXPECT_EQ(UserFor(credentials, "b.example", "x"), "");
  EXPECT_EQ(UserFor(credentials, "c.b.example:5000", "x"), "");
  EXPECT_EQ(UserFor(credentials, "reg-12.corp", "x"), "two");
  EXPECT_EQ(UserFor(credentials, "reg-123.corp", "x"), "");
}

TEST(Credentials, DockerHubHasManyNames) {
  for (const char* key :
       {"https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"})
    EXPECT_EQ(UserFor(From(Entry(key, "me")), "docker.io", "library/debian"), "me") << key;
}

TEST(Credentials, SchemesAndVersionsOfAKeyAreLeftOut) {
  EXPECT_EQ(UserFor(From(Entry("https://r.example/v2/", "me")), "r.example", "x"), "me");
  EXPECT_EQ(UserFor(From(Entry("http://r.example:443", "me")), "r.example", "x"), "me");
}

TEST(Credentials, ErrorsSayWhereAndNotWhat) {
  for (const char* text :
       {"", "[]", "{}", R"({"auths":[]})", R"({"auths":{"r":"secret"}})",
        R"({"auths":{"r":{"auth":"c2VjcmV0"}}})", R"({"auths":{"r":{"auth":"secret"}}})",
        R"({"auths":{"r":{"identitytoken":"secret"}}})", R"({"auths":{"":{"username":"a"}}})"}) {
    Credentials credentials;
    const auto added = credentials.Add(text);
    ASSERT_FALSE(added) << text;
    EXPECT_THAT(added.error().message, Not(HasSubstr("secret")));
    EXPECT_THAT(added.error().message, Not(HasSubstr("c2VjcmV0")));
  }
  Credentials credentials;
  EXPECT_FALSE(credentials.Add(std::string(2 << 20, ' ')));
  EXPECT_FALSE(credentials.Add(std::string(100'000, '[')));
}

TEST(Credentials, TheFirstFileCounts) {
  Credentials credentials = From(Entry("r.example", "first"));
  ASSERT_TRUE(credentials.Add("{\"auths\":{" + Entry("r.example", "second") + "}}"));
  EXPECT_EQ(UserFor(credentials, "r.example", "x"), "first");
  EXPECT_TRUE(credentials.Know("r.example"));
  EXPECT_FALSE(credentials.Know("other"));
}

}  // namespace
}  // namespace imagebatch::registry
