#include <gtest/gtest.h>

#include <string>

#include "document/read.h"
#include "document/write.h"

namespace imagebatch::document {
namespace {

using nlohmann::json;

constexpr size_t kLimit = 1 << 20;

std::string PlaceOf(const PlacedDocument& document, std::string_view path) {
  const Place place = document.PlaceOf(path);
  return std::to_string(place.line) + ":" + std::to_string(place.column);
}

TEST(ReadYamlDocuments, ReadsAllAndLeavesOutEmptyOnes) {
  const auto read = ReadYamlDocuments("# first\na: 1\n---\n---\nb: [x]\n...\n---\n\"c\"\n", kLimit);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 3U);
  EXPECT_EQ((*read)[0].value, json::parse(R"({"a": 1})"));
  EXPECT_EQ((*read)[1].value, json::parse(R"({"b": ["x"]})"));
  EXPECT_EQ((*read)[2].value, "c");
}

TEST(ReadYamlDocuments, KnowsWhereEverythingStands) {
  const auto read = ReadYamlDocuments(
      "x: y\n---\nspec:\n  stages:\n  - name: a\n    args: [one, {two: 3}]\n  - {}\n  empty: []\n  last: z\n",
      kLimit);
  ASSERT_TRUE(read) << read.error().message;
  const PlacedDocument& second = read->at(1);
  EXPECT_EQ(PlaceOf(second, ""), "3:1");
  EXPECT_EQ(PlaceOf(second, "spec"), "3:1");
  EXPECT_EQ(PlaceOf(second, "spec.stages"), "4:3");
  EXPECT_EQ(PlaceOf(second, "spec.stages[0]"), "5:5");
  EXPECT_EQ(PlaceOf(second, "spec.stages[0].args[0]"), "6:12");
  EXPECT_EQ(PlaceOf(second, "spec.stages[0].args[1].two"), "6:18");
  EXPECT_EQ(PlaceOf(second, "spec.stages[1]"), "7:5");
  EXPECT_EQ(PlaceOf(second, "spec.empty"), "8:3");
  EXPECT_EQ(PlaceOf(second, "spec.last"), "9:3");
  EXPECT_EQ(PlaceOf(second, "spec.stages[1].image"), "7:5") << "what is missing: where it would be";
  EXPECT_EQ(PlaceOf(second, "status.x"), "3:1");
}

TEST(ReadYamlDocuments, RefusesWhatIsWrongInAnyOfThem) {
  for (const char* text :
       {"a: 1\n---\nb: [\n", "a: 1\n---\nb: 1\nb: 2\n", "a: *x\n", ",", "a: 1\n---\n,", "a: 1\n]\n"}) {
    const auto read = ReadYamlDocuments(text, kLimit);
    ASSERT_FALSE(read) << text;
    EXPECT_TRUE(read.error().message.starts_with("line ")) << read.error().message;
  }
  EXPECT_FALSE(ReadYamlDocuments(std::string(kLimit + 1, ' '), kLimit));
}

TEST(WriteYaml, GivesEveryValueBack) {
  const json value =
      json::parse(R"({"words": ["yes", "No", "true", "null", "~", "on", "y", "nan", ".inf", "a b", "a: b",
      "- a", "#a", "a #b", "4.10", "010", "0x1", "1_000", "12:30", "2001-01-01", "", " a", "a ", "\ta", "a\nb", "a\nb\n",
      "\n", "a\n\n", " a\nb\n", "tab\tx\n y\n", "\u00fcber", "\u0001", "\u0085", "\u2028", "'", "\"", "\\", "%a",
      "@a", "`a", "!a", "&a", "*a", "?a", ": ", "a:", "[a", "{a", "|", ">", "---", "...", "=", "<<"],
      "numbers": [0, -1, 18446744073709551615, 2.5, 1e300], "others": [true, false, null],
      "empty": [{}, [], {"a": {}, "b": []}], "yes": {"4.10": 1, "": 2}, "deep": {"a": [{"b": [[1, [2]]]}]}})");
  const std::string text = WriteYaml(value);
  const auto read = ReadYaml(text, kLimit);
  ASSERT_TRUE(read) << read.error().message << "\n" << text;
  EXPECT_EQ(*read, value) << text;
}

TEST(YamlString, StandsInOneLineAndInBraces) {
  for (const std::string text : {"one", "4.10", "no", "", "a: b", "{}", "# x", "a, push: b", "r.io:5000/a:1",
                                 "\"", "'", "two\nlines", "\t", "é", "-", "/", "&a", "$(x)"}) {
    const std::string written = YamlString(text);
    EXPECT_EQ(written.find('\n'), std::string::npos) << written;
    const auto read = ReadYaml("rows:\n- {name: " + written + ", other: [" + written + "]}  # end\n", 1000);
    ASSERT_TRUE(read) << written << ": " << read.error().message;
    EXPECT_EQ((*read)["rows"][0]["name"], text);
    EXPECT_EQ((*read)["rows"][0]["other"][0], text);
  }
  EXPECT_EQ(YamlString("a-b_c.d/e"), "a-b_c.d/e");
}

TEST(WriteYaml, LooksAsAPersonWouldWriteIt) {
  EXPECT_EQ(
      WriteYaml(nlohmann::ordered_json::parse(
          R"({"kind": "Job", "args": ["--push", "a b"], "text": "one\ntwo\n", "count": 1, "yes": "no", "none": {}})")),
      "kind: Job\nargs:\n  - \"--push\"\n  - \"a b\"\ntext: |\n  one\n  two\ncount: 1\n\"yes\": "
      "\"no\"\nnone: "
      "{}\n");
}

}  // namespace
}  // namespace imagebatch::document
