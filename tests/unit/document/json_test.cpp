#include <gtest/gtest.h>

#include <string>

#include "document/read.h"

namespace imagebatch::document {
namespace {

using nlohmann::json;

constexpr size_t kLimit = 1 << 20;

TEST(ReadJson, ReadsEveryKindOfValue) {
  const auto value = ReadJson(R"({"a": [1, -2, 2.5, true, null, "x\u00e9"], "b": {}})", kLimit);
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(*value, json::parse(R"({"a": [1, -2, 2.5, true, null, "xé"], "b": {}})"));
}

struct Case {
  std::string text, problem;
};

TEST(ReadJson, SaysWhatIsWrongAndWhere) {
  for (const Case& c : {
           Case{"",
                "line 1, column 1: syntax error while parsing value - unexpected end of input; expected "
                "'[', '{', or a literal"},
           Case{
               "{\n \"a\": }",
               "line 2, column 7: syntax error while parsing value - unexpected '}'; expected '[', '{', or a "
               "literal"},
           Case{"[1] 2",
                "line 1, column 5: syntax error while parsing value - unexpected number literal; expected "
                "end of input"},
           Case{"[1e400]", "line 1, column 6: number overflow parsing '1e400'"},
           Case{R"({"a": 1, "a": 2})", "duplicate key \"a\""},
           Case{R"({"spec": {"stages": [{}, {"name": 1, "name": 2}]}})",
                "spec.stages[1]: duplicate key \"name\""},
           Case{std::string("{}\0{}", 5), "line 1, column 3: holds a control character (byte 0)"},
           Case{"[\"a\x04\"]", "line 1, column 4: holds a control character (byte 4)"},
           Case{"[\"\xFF\"]", "line 1, column 3: is not UTF-8"},
           Case{std::string(kLimit + 1, ' '), "is 1048577 bytes, at most 1048576 are read"},
       }) {
    const auto value = ReadJson(c.text, kLimit);
    ASSERT_FALSE(value) << c.text;
    EXPECT_EQ(value.error().message, c.problem);
  }
}

TEST(ReadJson, StopsAtADepth) {
  EXPECT_TRUE(ReadJson(std::string(128, '[') + std::string(128, ']'), kLimit));
  const auto deep = ReadJson(std::string(129, '[') + std::string(129, ']'), kLimit);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().message, "is nested deeper than 128 levels");
  EXPECT_FALSE(ReadJson(std::string(kLimit, '['), kLimit));
}

}  // namespace
}  // namespace imagebatch::document
