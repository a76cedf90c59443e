// What registries write: URLs, challenges, waits and tokens; and where an image is.
#include <gmock/gmock.h>

#include "registry/challenge.h"
#include "registry/image_place.h"
#include "registry/retry_after.h"
#include "registry/token_reply.h"
#include "registry/url.h"

namespace imagebatch::registry {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::Pair;

struct PlaceCase {
  const char *image, *registry, *repository, *tag, *server;
};

TEST(PlaceOf, KnowsWhereAnImageIs) {
  for (const auto& [image, registry, repository, tag, server] :
       {PlaceCase{"registry.example:5000/a/b:v1", "registry.example:5000", "a/b", "v1",
                  "registry.example:5000"},
        PlaceCase{"localhost/a:v1", "localhost", "a", "v1", "localhost"},
        PlaceCase{"Registry.Example/a:V1", "registry.example", "a", "V1", "registry.example"},
        PlaceCase{"debian:12", "docker.io", "library/debian", "12", "registry-1.docker.io"},
        PlaceCase{"docker.io/debian:12", "docker.io", "library/debian", "12", "registry-1.docker.io"},
        PlaceCase{"index.docker.io/me/x:1", "docker.io", "me/x", "1", "registry-1.docker.io"},
        PlaceCase{"me/x:1", "docker.io", "me/x", "1", "registry-1.docker.io"}}) {
    const ImagePlace place = PlaceOf(image);
    EXPECT_EQ(place.registry, registry) << image;
    EXPECT_EQ(place.repository, repository) << image;
    EXPECT_EQ(place.tag, tag) << image;
    EXPECT_EQ(place.Server(), server) << image;
  }
}

TEST(ParseUrl, ReadsWhatMayBeAsked) {
  const auto url = ParseUrl("HTTPS://Auth.Example:443/token?a=b#c");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->Server(), "https://auth.example");
  EXPECT_EQ(url->path, "/token?a=b");
  EXPECT_EQ(ParseUrl("http://r:80")->Server(), "http://r");
  EXPECT_EQ(ParseUrl("http://r:443?x")->Server(), "http://r:443");
  EXPECT_EQ(ParseUrl("http://r:443?x")->path, "/?x");
  EXPECT_EQ(ParseUrl("https://[fe80::1]:5000/")->host, "[fe80::1]:5000");
}

TEST(ParseUrl, RefusesTheRest) {
  for (const char* text : {"", "token", "//host/x", "ftp://host/", "file:///etc/passwd", "https://",
                           "https:///x", "https://user:secret@host/", "https://host:0/",
                           "https://host:65536/", "https://host:1x/", "https://ho st/", "https://host/a b",
                           "https://host/\r\nX: y", "https://host\\x/", "https://[::1/", "https://%31/"})
    EXPECT_FALSE(ParseUrl(text)) << text;
  EXPECT_FALSE(ParseUrl("https://host/" + std::string(5000, 'a')));
}

TEST(ResolveUrl, FollowsFromWhereItStood) {
  const Url base = *ParseUrl("https://registry.example:5000/v2/a/manifests/x");
  EXPECT_EQ(ResolveUrl(base, "/v2/b")->Server(), "https://registry.example:5000");
  EXPECT_EQ(ResolveUrl(base, "//other/x")->Server(), "https://other");
  EXPECT_EQ(ResolveUrl(base, "http://other/x")->Server(), "http://other");
  EXPECT_FALSE(ResolveUrl(base, "x"));
  EXPECT_FALSE(ResolveUrl(base, ""));
}

TEST(Challenges, AreReadInTheirOrder) {
  const auto challenges = ParseChallenges(
      R"(Negotiate, Basic realm="a, \"b\"" , BEARER  realm="https://auth/token",service = reg,scope="repository:x:pull")");
  ASSERT_EQ(challenges.size(), 3U);
  EXPECT_EQ(challenges[0].scheme, "negotiate");
  EXPECT_THAT(challenges[1].parameters, ElementsAre(Pair("realm", "a, \"b\"")));
  EXPECT_EQ(challenges[2].scheme, "bearer");
  EXPECT_THAT(challenges[2].parameters,
              ElementsAre(Pair("realm", "https://auth/token"), Pair("scope", "repository:x:pull"),
                          Pair("service", "reg")));
}

TEST(Challenges, BearerComesBeforeBasic) {
  EXPECT_EQ(ChooseChallenge(R"(Basic realm="x", Bearer realm="https://a")")->scheme, "bearer");
  EXPECT_EQ(ChooseChallenge(R"(Bearer service="x", Basic realm="y")")->scheme, "basic");
  for (const char* header : {"", "Negotiate", "Bearer", R"(Bearer realm="unended)", "=", ",,,", "realm=x"})
    EXPECT_FALSE(ChooseChallenge(header)) << header;
}

TEST(RetryAfter, IsSecondsOrADate) {
  const Time now{seconds(784'111'770)};  // 1994-11-06 08:49:30
  EXPECT_EQ(ParseRetryAfter("120", now), seconds(120));
  EXPECT_EQ(ParseRetryAfter("0", now), seconds(0));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:37 GMT", now), seconds(7));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:00 GMT", now), seconds(0));
  EXPECT_EQ(ParseRetryAfter("99999999999999999999", now), seconds(1'000'000'000));
  for (const char* text : {"", "-1", "soon", "1.5", "12 s", "06 Nov 1994", "Sun, 06 Nov 1994 08:49:37 GMT!"})
    EXPECT_FALSE(ParseRetryAfter(text, now)) << text;
}

TEST(Tokens, AreReadUnderBothNames) {
  EXPECT_EQ(ParseToken(R"({"token":"a","access_token":"b","expires_in":300})")->text, "a");
  EXPECT_EQ(ParseToken(R"({"access_token":"b","expires_in":300})")->text, "b");
  EXPECT_EQ(ParseToken(R"({"access_token":"b","expires_in":300})")->lifetime, seconds(300));
  EXPECT_EQ(ParseToken(R"({"token":"a"})")->lifetime, seconds(60));
  EXPECT_EQ(ParseToken(R"({"token":"a","expires_in":18446744073709551615})")->lifetime, seconds(3600));
  for (const char* body : {"", "null", "[]", "{}", R"({"token":1})", R"({"token":""})", R"({"token":"a b"})",
                           "{\"token\":\"a\\r\\nX: y\"}", "<html>"})
    EXPECT_FALSE(ParseToken(body)) << body;
  EXPECT_FALSE(ParseToken("{\"token\":\"" + std::string(40'000, 'a') + "\"}"));
  EXPECT_FALSE(ParseToken(std::string(100'000, '[')));
}

}  // namespace
}  // namespace imagebatch::registry
