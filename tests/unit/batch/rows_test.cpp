#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support.h"

namespace imagebatch::batch {
namespace {

using testing::ElementsAre;
using testing::Pair;

const ConfigMapKey kSource{"verified", "rows.jsonl"};

struct Read {
  Rows rows{{"a", "b", "c", "d", "e", "f", "g", "h", "n"}};
  std::vector<Problem> problems;
};

Read ReadLines(std::string_view text) {
  Read read;
  ReadRowLines(text, kSource, read.rows, read.problems);
  return read;
}

Read ReadInline(const std::string& rows) {
  Images images;
  images.rows = nlohmann::json::parse(rows).get<std::vector<nlohmann::json>>();
  Read read;
  ReadInlineRows(images, read.rows, read.problems);
  return read;
}

TEST(RowLines, KeepNumbersAsTheyAreWritten) {
  const Read read = ReadLines(
      R"({"a": "x", "b": 4.10, "c": -0, "d": 1e2, "e": true, "f": 18446744073709551615, "g": -7, "h": 0})");
  ASSERT_TRUE(read.problems.empty()) << Lines(read.problems)[0];
  const std::map<std::string, std::string> expected = {
      {"a", "x"},  {"b", "4.10"}, {"c", "-0"}, {"d", "1e2"}, {"e", "true"}, {"f", "18446744073709551615"},
      {"g", "-7"}, {"h", "0"}};
  for (const auto& [column, value] : expected) EXPECT_EQ(read.rows.Value(0, column), value) << column;
}

TEST(RowLines, SkipEmptyLinesAndCountThem) {
  const Read read = ReadLines("{\"a\": 1}\r\n\n  \t\n{\"a\": 2}\n{\"a\": 3}");
  ASSERT_TRUE(read.problems.empty());
  ASSERT_EQ(read.rows.size(), 3U);
  EXPECT_EQ(read.rows.Origin(0), "ConfigMap verified/rows.jsonl line 1");
  EXPECT_EQ(read.rows.Origin(1), "ConfigMap verified/rows.jsonl line 4");
  EXPECT_EQ(read.rows.Value(2, "a"), "3");
}

struct Case {
  std::string line, problem;
};

TEST(RowLines, SayWhatIsWrongAndWhere) {
  for (const Case& c : {
           Case{"[1]", "the row is not an object"},
           Case{"\"a\"", "the row is not an object"},
           Case{"null", "the row is not an object"},
           Case{R"({"a": 1, "a": 2})", "duplicate column \"a\""},
           Case{R"({"a": 1)",
                "byte 8: syntax error while parsing object - unexpected end of input; expected '}'"},
           Case{R"({"a": 1} {"a": 2})",
                "byte 10: syntax error while parsing value - unexpected '{'; expected end of input"},
           Case{R"({"a": NaN})", "byte 7: NaN is not JSON; write null, or put it in quotes"},
           Case{R"({"x": [-Infinity]})", "byte 9: Infinity is not JSON; write null, or put it in quotes"},
           Case{
               R"({"a": "\ud800"})",
               "byte 14: syntax error while parsing value - invalid string: surrogate U+D800..U+DBFF must be "
               "followed by U+DC00..U+DFFF; last read: '\"\\ud800\"'"},
           Case{R"({"a": 1e999})", "byte 11: number overflow parsing '1e999'"},
           Case{std::string("{\"a\": 1}\0", 9), "byte 9: holds a control character (byte 0)"},
           Case{"{\"a\": \"\xC3\"}", "byte 8: is not UTF-8"},
           Case{std::string(100000, '['), "the row is not an object"},
       }) {
    const Read read = ReadLines("\n" + c.line + "\n");
    EXPECT_TRUE(read.rows.empty());
    EXPECT_THAT(Lines(read.problems), ElementsAre("ConfigMap verified/rows.jsonl line 2: " + c.problem));
  }
}

TEST(RowLines, ListAFewProblemsAndReadNoFurther) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "[]\n";
  const Read read = ReadLines(text);
  ASSERT_EQ(read.problems.size(), kMaxProblems + 1);
  EXPECT_EQ(Lines(read.problems).back(), "ConfigMap verified/rows.jsonl: 990 more lines were not read");
}

TEST(InlineRows, AreReadInOrder) {
  const Read read = ReadInline(R"([{"a": "x", "n": -7}, {}])");
  ASSERT_TRUE(read.problems.empty());
  ASSERT_EQ(read.rows.size(), 2U);
  EXPECT_EQ(read.rows.Value(0, "n"), "-7");
  EXPECT_EQ(read.rows.Origin(1), "spec.images.rows[1]");
}

TEST(RowLines, IgnoreWhatColumnsHoldUntilTheyAreUsed) {
  const std::string patch(100'000, 'x');
  const Read read = ReadLines(
      R"({"a": [1, {"a": null, "a": []}], "b": {"c": 1, "": {}}, "c": null, "d": "x", "x": [[]], "": 1, )"
      R"("Unnamed: 0": "", "patch": ")" +
      patch + "\"}\n");
  ASSERT_TRUE(read.problems.empty()) << Lines(read.problems)[0];
  ASSERT_EQ(read.rows.size(), 1U);
  EXPECT_EQ(read.rows.Value(0, "a"), std::nullopt);
  EXPECT_EQ(read.rows.OtherValue(0, "a"), Held::List);
  EXPECT_EQ(read.rows.OtherValue(0, "b"), Held::Object);
  EXPECT_EQ(read.rows.OtherValue(0, "c"), Held::Null);
  EXPECT_EQ(read.rows.OtherValue(0, "d"), std::nullopt);
  EXPECT_EQ(read.rows.OtherValue(0, "x"), std::nullopt) << "it is not used";
  EXPECT_EQ(read.rows.Value(0, "d"), "x");
}

TEST(RowLines, TolerateAByteOrderMark) {
  const Read read = ReadLines("\xEF\xBB\xBF{\"a\": 1}\r\n{\"a\": 2}");
  ASSERT_TRUE(read.problems.empty()) << Lines(read.problems)[0];
  EXPECT_EQ(read.rows.Value(0, "a"), "1");
}

TEST(InlineRows, HoldStringsAndIntegersThatCanBeUsed) {
  const Read read = ReadInline(
      R"([{"a": 4.1, "b": true, "c": null, "d": [], "e": {}, "f": "4.1", "-": "x", "x": {"y": [1.5]}}])");
  ASSERT_TRUE(read.problems.empty()) << Lines(read.problems)[0];
  EXPECT_EQ(read.rows.OtherValue(0, "a"), Held::Fraction);
  EXPECT_EQ(read.rows.OtherValue(0, "b"), Held::Boolean);
  EXPECT_EQ(read.rows.OtherValue(0, "c"), Held::Null);
  EXPECT_EQ(read.rows.OtherValue(0, "d"), Held::List);
  EXPECT_EQ(read.rows.OtherValue(0, "e"), Held::Object);
  EXPECT_EQ(read.rows.Value(0, "f"), "4.1");
}

TEST(InlineRows, AreObjects) {
  const Read read = ReadInline(R"([{"a": "x"}, "a"])");
  EXPECT_THAT(Lines(read.problems), ElementsAre("spec.images.rows[1]: the row is not an object"));
}

TEST(Rows, ThatArePickedKeepWhatTheyHold) {
  Rows rows({"a", "b"});
  std::vector<Problem> problems;
  ReadRowLines("{\"a\": \"0\"}\n{\"b\": [], \"a\": \"1\"}", {"one", "k"}, rows, problems);
  ReadRowLines("\n{\"b\": \"2\", \"c\": 1}", {"two", "k"}, rows, problems);
  for (uint32_t row = 0; row < 3; ++row) rows.SetName(row, "row" + std::to_string(row));
  const Rows picked = rows.Pick(std::vector<uint32_t>{2, 0, 1});
  ASSERT_EQ(picked.size(), 3U);
  EXPECT_EQ(picked.name(0), "row2");
  EXPECT_EQ(picked.Value(0, "b"), "2");
  EXPECT_EQ(picked.Value(0, "a"), std::nullopt);
  EXPECT_EQ(picked.Origin(0), "ConfigMap two/k line 2");
  EXPECT_EQ(picked.Value(1, "a"), "0");
  EXPECT_EQ(picked.Origin(1), "ConfigMap one/k line 1");
  EXPECT_EQ(picked.Value(2, "a"), "1");
  EXPECT_EQ(picked.OtherValue(2, "b"), Held::List);
  EXPECT_EQ(picked.Origin(2), "ConfigMap one/k line 2");
}

TEST(Rows, KeepTheValuesOfTheColumnsThatAreUsed) {
  Rows rows({"b", "c"});
  std::vector<Problem> problems;
  ReadRowLines(R"({"a": "1", "c": "3", "b": "2"})"
               "\n"
               R"({"b": "", "d": "4"})"
               "\n{}",
               kSource, rows, problems);
  ASSERT_TRUE(problems.empty());
  EXPECT_EQ(rows.Value(0, "a"), std::nullopt);
  EXPECT_EQ(rows.Value(0, "b"), "2");
  EXPECT_EQ(rows.Value(0, "c"), "3");
  EXPECT_EQ(rows.Value(1, "b"), "");
  EXPECT_EQ(rows.Value(1, "c"), std::nullopt);
  EXPECT_EQ(rows.Value(2, "b"), std::nullopt);
  EXPECT_EQ(rows.Value(2, "never seen"), std::nullopt);
}

TEST(Rows, KnowEveryColumnAndTheFirstRowThatHasIt) {
  Rows rows({"b"});
  std::vector<Problem> problems;
  ReadRowLines("{\"c\": 1, \"a\": 1}\n{\"c\": 1, \"b\": 1, \"c\": 2}\n{\"b\": 1, \"c\": 1}", kSource, rows,
               problems);
  EXPECT_EQ(problems.size(), 1U);
  EXPECT_THAT(rows.Columns(), ElementsAre(Pair(0, "a"), Pair(0, "c"), Pair(1, "b")))
      << "a line that is wrong is no row";
  EXPECT_EQ(rows.values(), 4U);
}

TEST(Rows, KeepTheirTextsWhereTheyAreWhenTheyAreMoved) {
  Rows rows({"a"});
  std::vector<Problem> problems;
  const std::string large(1'000'000, 'x');
  ReadRowLines("{\"a\": \"small\"}\n{\"a\": \"" + large + "\"}\n{\"a\": \"last\"}", kSource, rows, problems);
  rows.SetName(0, "name");
  rows.SetName(2, "last");
  const std::string_view name = rows.name(0), first = *rows.Value(0, "a"), last = *rows.Value(2, "a");
  const Rows moved = std::move(rows);
  EXPECT_EQ(moved.name(0).data(), name.data());
  EXPECT_EQ(name, "name");
  EXPECT_EQ(first, "small");
  EXPECT_EQ(*moved.Value(1, "a"), large);
  EXPECT_EQ(moved.name(2).data(), last.data()) << "a name that is a value of the row is kept once";
}

}  // namespace
}  // namespace imagebatch::batch
