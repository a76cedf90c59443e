#include <gtest/gtest.h>

#include <string>

#include "document/read.h"
#include "support/repository.h"

namespace imagebatch::document {
namespace {

using nlohmann::json;

constexpr size_t kLimit = 1 << 20;

struct Value {
  std::string text;
  json value;
};

TEST(ReadYaml, ReadsScalarsAsTheCoreSchema) {
  for (const Value& v : {
           Value{"a", "a"},
           Value{"true", true},
           Value{"False", false},
           Value{"null", nullptr},
           Value{"~", nullptr},
           Value{"", nullptr},
           Value{"0", 0},
           Value{"-12", -12},
           Value{"18446744073709551615", 18446744073709551615ULL},
           Value{"2.50", 2.5},
           Value{"1e3", 1000.0},
           Value{"yes", "yes"},
           Value{"on", "on"},
           Value{"010", "010"},
           Value{"0x10", "0x10"},
           Value{"+1", "+1"},
           Value{".5", ".5"},
           Value{"1.", "1."},
           Value{"4e54691", "4e54691"},
           Value{"1_000", "1_000"},
           Value{"2026-01-02", "2026-01-02"},
           Value{"\"true\"", "true"},
           Value{"'12'", "12"},
           Value{"\"\"", ""},
           Value{"|\n  1\n", "1\n"},
           Value{"\"caf\xC3\xA9 \\u00e9\"", "caf\xC3\xA9 \xC3\xA9"},
       }) {
    const auto read = ReadYaml(v.text, kLimit);
    ASSERT_TRUE(read) << v.text << ": " << read.error().message;
    EXPECT_EQ(*read, v.value) << v.text;
    EXPECT_EQ(read->type(), v.value.type() == json::value_t::number_integer ? read->type() : v.value.type())
        << v.text;
  }
}

TEST(ReadYaml, ReadsCollections) {
  const auto read =
      ReadYaml("# a comment\n---\na: [1, {b: c}]\nd:\n- e\n- f:\n    g: |\n      h\n\n...\n", kLimit);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, json::parse(R"({"a": [1, {"b": "c"}], "d": ["e", {"f": {"g": "h\n"}}]})"));
}

TEST(ReadYaml, ReadsAFileWithoutALineEnd) {
  for (const char* text : {"a: b", "a: b # end", "a: \"b\"", "a: |\n  b"}) {
    const auto read = ReadYaml(text, kLimit);
    ASSERT_TRUE(read) << text;
    EXPECT_TRUE((*read)["a"].get<std::string>().starts_with("b"));
  }
}

TEST(ReadYaml, ReadsTheFilesOfTheRepository) {
  for (const auto& [plural, kind] :
       {std::pair("imagebatches", "ImageBatch"), std::pair("imagebatchrecords", "ImageBatchRecord")}) {
    const auto crd = ReadYaml(CrdText(plural), kLimit);
    ASSERT_TRUE(crd) << crd.error().message;
    EXPECT_EQ((*crd)["spec"]["names"]["kind"], kind);
  }
}

struct Case {
  std::string text, problem;
};

TEST(ReadYaml, SaysWhatIsWrongAndWhere) {
  for (const Case& c : {
           Case{"a: &x 1\n", "line 1, column 4: anchors (&name) are not allowed"},
           Case{"a: *x\n", "line 1, column 4: the referenced anchor is not defined"},
           Case{"a: &x {b: *x}\n", "line 1, column 4: anchors (&name) are not allowed"},
           Case{"a: !!binary aGk=\n", "line 1, column 4: tags (!name) are not allowed"},
           Case{"a: 1\nb: 2\na: 3\n", "line 3, column 1: duplicate key \"a\""},
           Case{"s:\n- {x: 1}\n- {x: 1, x: 2}\n", "line 3, column 10: s[1]: duplicate key \"x\""},
           Case{"? [a]\n: 1\n", "line 1, column 3: a key must be a scalar"},
           Case{"? {a: b}\n: 1\n", "line 1, column 3: a key must be a scalar"},
           Case{": 1\n", "line 1, column 1: a key is missing"},
           Case{"a: 1\n---\nb: 2\n", "line 2, column 1: a second document; only one is read"},
           Case{"a: 1\n---\n", "line 2, column 1: a second document; only one is read"},
           Case{",", "line 1, column 1: a second document; only one is read"},
           Case{"a: \"b\nc: d\n", "line 3, column 1: a quote is not closed before the end of the document"},
           Case{"a: 'b", "line 2, column 1: a quote is not closed before the end of the document"},
           Case{"a: [1, 2\n", "line 2, column 1: end of sequence flow not found"},
           Case{"a: {b: 1\n", "line 2, column 1: end of map flow not found"},
           Case{"a: b: c\n", "line 1, column 5: illegal map value"},
           Case{"a: @x\n", "line 1, column 4: unknown token"},
           Case{std::string("a: b\0c: d", 9), "line 1, column 5: holds a control character (byte 0)"},
           Case{"a: b\n\x04: c\n", "line 2, column 1: holds a control character (byte 4)"},
           Case{"a: \xFF\n", "line 1, column 4: is not UTF-8"},
           Case{std::string("\xFF\xFE"
                            "a\0",
                            4),
                "line 1, column 1: is not UTF-8"},
           Case{std::string(kLimit + 1, '\n'), "is 1048577 bytes, at most 1048576 are read"},
       }) {
    const auto read = ReadYaml(c.text, kLimit);
    ASSERT_FALSE(read) << c.text;
    EXPECT_EQ(read.error().message, c.problem) << c.text;
  }
}

TEST(ReadYaml, StopsAtADepth) {
  EXPECT_TRUE(ReadYaml(std::string(128, '[') + std::string(128, ']'), kLimit));
  const auto deep = ReadYaml(std::string(129, '[') + std::string(129, ']'), kLimit);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().message, "line 1, column 129: is nested deeper than 128 levels");
  EXPECT_FALSE(ReadYaml(std::string(100000, '['), kLimit));
  EXPECT_FALSE(ReadYaml(std::string(100000, '{'), kLimit));
}

}  // namespace
}  // namespace imagebatch::document
