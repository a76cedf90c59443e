#include "rows/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "batch/read.h"
#include "rows/config_maps.h"

namespace imagebatch::rows {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

std::vector<Record> Records(std::string_view text, const Wanted& wanted) {
  return ReadRecords(text, Format::JsonLines, "f", wanted.columns).value();
}

std::vector<std::string> Lines(const std::vector<Record>& records) {
  std::vector<std::string> lines;
  lines.reserve(records.size());
  for (const Record& record : records) lines.push_back(JsonLine(record));
  return lines;
}

const Wanted kAll{std::nullopt, "", {}, "--columns"};
const Wanted kTwo{{{"a", "b"}}, "$(row.a)", {}, "--columns"};

TEST(Columns, ThatNoBatchCanUseAreRemovedWhereAllAreWanted) {
  std::vector<Record> records =
      Records("{\"a\": 1, \"list\": null, \"b c\": 1}\n{\"a\": null, \"list\": [], \"o\": {}}", kAll);
  const auto removed = CheckColumns(records, kAll);
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_THAT(*removed, ElementsAre("b c", "list", "o"));
  EXPECT_THAT(Lines(records), ElementsAre(R"({"a": 1})", "{}"));
}

TEST(Columns, ThatAreAskedForMustBeThereAndBeTexts) {
  const auto problem = [](std::string_view text) {
    std::vector<Record> records = Records(text, kTwo);
    return CheckColumns(records, kTwo).error().message;
  };
  EXPECT_EQ(problem("{\"a\": 1, \"c\": []}\n{}"), "no row has a column \"b\", which --columns asks for");
  EXPECT_EQ(problem("{\"a\": 1, \"b\": 1}\n{\"a\": []}"),
            "f line 2: column \"a\" is a list; a row may contain only strings, numbers and booleans");
  EXPECT_EQ(problem("{\"a\": {}, \"b\": 1}"),
            "f line 1: column \"a\" is an object; a row may contain only strings, numbers and booleans");
  std::vector<Record> records = Records("{\"a\": null, \"b\": true}\n{\"c\": []}", kTwo);
  EXPECT_TRUE(CheckColumns(records, kTwo));
  EXPECT_THAT(Lines(records), ElementsAre(R"({"b": true})", "{}"));
}

TEST(Columns, OfYamlThatLostTheirSpellingAreTold) {
  auto records = ReadRecords("- a: 4.10\n", Format::Yaml, "f", std::nullopt).value();
  EXPECT_EQ(CheckColumns(records, kAll).error().message,
            "f line 1: column \"a\" is a number with a fraction; put it in quotes to keep it as written");
  records = ReadRecords("- a: True\n", Format::Yaml, "f", std::nullopt).value();
  EXPECT_EQ(CheckColumns(records, kAll).error().message,
            "f line 1: column \"a\" is a boolean; put it in quotes to keep it as written");
}

TEST(Columns, OfABatchAreThoseThatItUses) {
  batch::Batch batch;
  batch.name = "b";
  batch.images.name_from = "$(owner)/$(row.id)-$(suffix)";
  batch.variables = {{"suffix", "x"}};
  batch::Stage stage;
  stage.name = "image";
  stage.key = "$(name)";
  stage.image = "r/i:$(commit)";
  stage.pod_template = {
      {"spec", {{"containers", {{{"name", "build"}, {"args", {"$(suffix)", "$(image)"}}}}}}}};
  batch.stages = {stage};
  const Wanted wanted = WantedBy(batch);
  EXPECT_THAT(*wanted.columns, UnorderedElementsAre("owner", "id", "commit"));
  std::vector<Record> records = Records(R"({"owner": "o", "id": 1, "commit": "c"}
{"owner": "o", "id": 2, "commit": "c"}
{"owner": "o", "id": null, "commit": "c"})",
                                        wanted);
  ASSERT_TRUE(SelectRecords(records, wanted, {"o/2-x", "o/2-x"}));
  EXPECT_THAT(Lines(records), ElementsAre(R"({"owner": "o", "id": 2, "commit": "c"})"));
}

TEST(Selection, KeepsTheOrderAndNamesWhatNoRowHas) {
  const std::string_view text = "{\"a\": \"1\"}\n{\"a\": \"2\"}\n{\"a\": \"3\"}\n{\"b\": \"4\"}";
  std::vector<Record> records = Records(text, kTwo);
  ASSERT_TRUE(SelectRecords(records, kTwo, {"3", "1"}));
  EXPECT_THAT(Lines(records), ElementsAre(R"({"a": "1"})", R"({"a": "3"})"));
  records = Records(text, kTwo);
  EXPECT_EQ(SelectRecords(records, kTwo, {"3", "x", "4", "x"}).error().message,
            "no rows have these names: x, 4");
}

}  // namespace
}  // namespace imagebatch::rows
