#include "rows/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rows/config_maps.h"

namespace imagebatch::rows {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Columns kAll;

/// The rows as lines of JSON, each with its origin; the error where there is one.
std::vector<std::string> Read(std::string_view text, Format format, const Columns& columns = kAll) {
  const auto records = ReadRecords(text, format, "f", columns);
  if (!records) return {records.error().message};
  std::vector<std::string> lines;
  lines.reserve(records->size());
  for (const Record& record : *records) lines.push_back(record.origin + ": " + JsonLine(record));
  return lines;
}

TEST(JsonLines, KeepWhatIsWritten) {
  EXPECT_THAT(Read("\xEF\xBB\xBF{\"a\": 4.10, \"b\": \"4.10\", \"c\": true}\r\n\r\n"
                   R"({"d": [1, {"d": 2}], "e": null, "f": {}, "g": "\u00e4\n", "h": 18446744073709551616})",
                   Format::JsonLines),
              ElementsAre(R"(f line 1: {"a": 4.10, "b": "4.10", "c": true})",
                          "f line 3: {\"g\": \"\u00e4\\n\", \"h\": 18446744073709551616}"));
}

TEST(JsonLines, GiveTheColumnsThatAreAskedFor) {
  EXPECT_THAT(Read(R"({"a": "1", "patch": "xxx", "c": [], "b": "2"})", Format::JsonLines, {{"b", "a", "z"}}),
              ElementsAre(R"(f line 1: {"a": "1", "b": "2"})"));
}

TEST(JsonLines, SayWhatIsWrongAndWhere) {
  const auto problem = [](const std::string& line) {
    return Read("{}\n\n" + line + "\n{}", Format::JsonLines).at(0);
  };
  EXPECT_EQ(problem(R"({"a": 1, "b": 2, "a": 3})"), "f line 3: duplicate column \"a\"");
  EXPECT_EQ(problem("[1]"), "f line 3: the row is not an object");
  EXPECT_EQ(problem("7"), "f line 3: the row is not an object");
  EXPECT_EQ(problem(R"({"a": NaN})"), "f line 3: column 7: NaN is not JSON; write null, or put it in quotes");
  EXPECT_EQ(problem(R"({"a": -Infinity})"),
            "f line 3: column 8: Infinity is not JSON; write null, or put it in quotes");
  EXPECT_THAT(problem(R"({"a": "\ud800"})"), HasSubstr("f line 3: column 14: "));
  EXPECT_THAT(problem(R"({"a": "\ud800"})"), HasSubstr("surrogate"));
  EXPECT_THAT(problem(R"({"a": "\NaN"})"), HasSubstr("forbidden character after backslash"));
  EXPECT_THAT(problem(R"({"a": 1)"), HasSubstr("f line 3: column 8: "));
  EXPECT_EQ(problem("{\"a\": \"\xED\xA0\x80\"}"), "f line 3, column 8: is not UTF-8");
}

TEST(JsonArray, IsReadElementByElement) {
  EXPECT_THAT(Read("\xEF\xBB\xBF [\r\n {\"a\": 1.50,\n  \"b\": \"],[}{\\\"\"},\n\n {\"c\": [[], {}]}, {} ]\n",
                   Format::Json),
              ElementsAre("f line 2: {\"a\": 1.50, \"b\": \"],[}{\\\"\"}", "f line 5: {}", "f line 5: {}"));
  EXPECT_THAT(Read("[]", Format::Json), IsEmpty());
}

TEST(JsonArray, SaysWhatIsWrongAndWhere) {
  const auto problem = [](const std::string& text) { return Read(text, Format::Json).at(0); };
  EXPECT_EQ(problem(""), "f line 1, column 1: expected one array of objects, which begins with [");
  EXPECT_EQ(problem("{\"rows\": []}"),
            "f line 1, column 1: expected one array of objects, which begins with [");
  EXPECT_EQ(problem("[{},\n 7]"), "f line 2: the row is not an object");
  EXPECT_EQ(problem("[{},\n{\"a\": 1, \"a\": 2}]"), "f line 2: duplicate column \"a\"");
  EXPECT_EQ(problem("[{},\n{\"a\":\n NaN}]"),
            "f line 2: line 3, column 2: NaN is not JSON; write null, or put it in quotes");
  EXPECT_EQ(problem("[{}]\n{}"),
            "f line 2, column 1: expected , or the ] that ends the array, and nothing after it");
  EXPECT_EQ(problem("[{}"),
            "f line 1, column 4: expected , or the ] that ends the array, and nothing after it");
  EXPECT_THAT(problem("[{\"a\": 1"), HasSubstr("f line 1: line 1, column 9: "));
  EXPECT_THAT(problem("[{} {}]"), HasSubstr("f line 1: line 1, column 5: "));
  EXPECT_THAT(problem("[,]"), HasSubstr("f line 1: line 1, column "));
}

TEST(Csv, FollowsRfc4180) {
  EXPECT_THAT(
      Read("\xEF\xBB\xBFname,text,n\r\n"
           "a,\"one, \"\"two\"\"\r\nthree\",4.10\r\n"
           "\r\n"
           "b,,\r\n"
           "\"c\",\"\", x ",
           Format::Csv),
      ElementsAre("f line 2: {\"name\": \"a\", \"text\": \"one, \\\"two\\\"\\r\\nthree\", \"n\": \"4.10\"}",
                  R"(f line 5: {"name": "b", "text": "", "n": ""})",
                  R"(f line 6: {"name": "c", "text": "", "n": " x "})"));
  EXPECT_THAT(Read("a,b\n1,2\n", Format::Csv, {{"b"}}), ElementsAre(R"(f line 2: {"b": "2"})"));
  EXPECT_THAT(Read("a,b\n", Format::Csv), IsEmpty());
}

TEST(Csv, SaysWhatIsWrongAndWhere) {
  const auto problem = [](const std::string& text) { return Read(text, Format::Csv).at(0); };
  EXPECT_EQ(problem("a,b\n\"x\ny\",2\n3\n"), "f line 4: has 1 fields, but the first line names 2 columns");
  EXPECT_EQ(problem("a,b,a\n"), "f line 1: duplicate column \"a\"");
  EXPECT_EQ(problem("a\nx\n\"y\nz"), "f line 3: the quote that begins here is never closed");
  EXPECT_EQ(problem("a\nx\"y\n"),
            "f line 2: a quote stands within a field; put the whole field in quotes, and double the quote");
  EXPECT_EQ(problem("a\n\"x\"y\n"),
            "f line 2: text follows the quote that closes a field; double a quote that is within one");
  EXPECT_EQ(problem(std::string("a\nx\0y\n", 6)), "f line 2, column 2: holds a control character (byte 0)");
}

TEST(Yaml, IsOneListOfMappings) {
  EXPECT_THAT(
      Read("- name: a\n  version: '4.10'\n  n: 7\n- {name: yes, list: [1], none: null}\n", Format::Yaml),
      ElementsAre(R"(f line 1: {"n": 7, "name": "a", "version": "4.10"})", R"(f line 4: {"name": "yes"})"));
  EXPECT_THAT(Read("", Format::Yaml), IsEmpty());
}

TEST(Yaml, SaysWhatIsWrongAndWhere) {
  const auto problem = [](const std::string& text) { return Read(text, Format::Yaml).at(0); };
  EXPECT_EQ(problem("rows:\n- a: b\n"), "f line 1: expected one list, with a mapping for each row");
  EXPECT_EQ(problem("- a: b\n- c\n"), "f line 2: the row is not a mapping");
  EXPECT_EQ(problem("- a: b\n---\n- a: c\n"), "f line 3: a second document; put all rows into one list");
  EXPECT_THAT(problem("- a: b\n  a: c\n"), HasSubstr("f line 2, column 3: "));
  EXPECT_THAT(problem("- a: [\n"), HasSubstr("f line 2"));
}

TEST(Formats, AreKnownByNameOrBeginning) {
  EXPECT_EQ(FormatOf("a.jsonl", ""), Format::JsonLines);
  EXPECT_EQ(FormatOf("a.ndjson", "["), Format::JsonLines);
  EXPECT_EQ(FormatOf("a.yml", "["), Format::Yaml);
  EXPECT_EQ(FormatOf("dir.d/a.csv", "{"), Format::Csv);
  EXPECT_EQ(FormatOf("a.json", "\xEF\xBB\xBF\r\n[{}]"), Format::Json);
  EXPECT_EQ(FormatOf("a.json", "{}\n{}"), Format::JsonLines) << "many call them so";
  EXPECT_EQ(FormatOf("a.json", ""), Format::Json);
  EXPECT_EQ(FormatOf("-", " {}"), Format::JsonLines);
  EXPECT_EQ(FormatOf("-", "a,b"), std::nullopt);
}

}  // namespace
}  // namespace imagebatch::rows
