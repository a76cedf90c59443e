#include "base/base64.h"

#include <gtest/gtest.h>

#include <utility>

namespace imagebatch {
namespace {

TEST(Base64, DecodesTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"Zg==", "f"},
                                                         {"Zm8=", "fo"},
                                                         {"Zm9v", "foo"},
                                                         {"Zm9vYg==", "foob"},
                                                         {"Zm9vYmE=", "fooba"},
                                                         {"+/+/", "\xFB\xFF\xBF"}};
  for (const auto& [text, bytes] : vectors) {
    const auto decoded = DecodeBase64(text);
    ASSERT_TRUE(decoded) << text;
    EXPECT_EQ(*decoded, bytes);
    EXPECT_EQ(EncodeBase64(bytes), text);
  }
  EXPECT_EQ(*DecodeBase64("Zm9v\nYmFy\r\n"), "foobar");
}

TEST(Base64, RefusesEverythingElse) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zm 9", "Zm9v-w==", "Zm9v!"})
    EXPECT_FALSE(DecodeBase64(text)) << text;
}

}  // namespace
}  // namespace imagebatch
