#include "base/mask.h"

#include <gtest/gtest.h>

namespace imagebatch {
namespace {

struct Case {
  std::string_view text;
  const char* masked;
};

TEST(MaskSecrets, HidesWhatLooksLikeASecret) {
  using namespace std::string_view_literals;
  const Case cases[] = {
      {"curl --password=hunter2 x", "curl --password=*** x"},
      {"curl\0--password\0two words\0x"sv, "curl --password *** x"},
      {"tool --token abc next", "tool --token *** next"},
      {"API_KEY=abc make", "API_KEY=*** make"},
      {"docker build --build-arg GITHUB_TOKEN=abc .", "docker build --build-arg GITHUB_TOKEN=*** ."},
      {"buildctl --opt build-arg:NPM_TOKEN=abc", "buildctl --opt build-arg:NPM_TOKEN=***"},
      {"sh -c PASSWORD='a b' run", "sh -c PASSWORD='***' run"},
      {"sh -c 'export MY_SECRET=\"a b\"; make'", "sh -c 'export MY_SECRET=\"***\"; make'"},
      {"curl -H 'Authorization: Bearer abc.def' https://x", "curl -H 'Authorization: ***' https://x"},
      {"Bearer abc.def", "Bearer ***"},
      {"git clone https://user:pass@host/x.git", "git clone https://***@host/x.git"},
      {"https://token@github.com/a@b", "https://***@github.com/a@b"},
      {"//registry.npmjs.org/:_authToken=abc", "//registry.npmjs.org/:_authToken=***"},
      {"https://x/?access_key=abc", "https://x/?access_key=***"},
  };
  for (const Case& test : cases) EXPECT_EQ(MaskSecrets(test.text), test.masked);
}

TEST(MaskSecrets, LeavesTheRest) {
  for (const char* text :
       {"", "make -j2 all", "pip install tokenizers==0.15", "python3 -m passlib", "https://host/a@b",
        "user@host:path", "--output type=image,push=true", "tokenize the input"}) {
    EXPECT_EQ(MaskSecrets(text), text);
  }
}

TEST(MaskSecrets, EndsOnAnyInput) {
  for (const char* text :
       {"--password", "--password=", "--password=\"", "token:", "://", "://@", "--token ", "TOKEN='"}) {
    EXPECT_EQ(MaskSecrets(text).find("***") == std::string::npos, std::string_view(text) != "://@x") << text;
  }
}

}  // namespace
}  // namespace imagebatch
