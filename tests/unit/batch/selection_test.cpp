#include "batch/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "batch/stage_uses.h"
#include "support.h"

namespace imagebatch::batch {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

struct Drawn {
  uint32_t count = 0;
  size_t size = 0;
  uint32_t seed = 0;
  std::vector<uint32_t> numbers;
};

/// Written by pandas 1.5.3 on numpy 1.24.2: DataFrame({"i": range(count)}).sample(n=min(size, count),
/// random_state=seed). tests/rows/pandas_test.py asks the pandas that is installed.
TEST(Sample, IsTheOneOfPandas) {
  for (const Drawn& drawn : {
           Drawn{1, 1, 42U, {0}},
           Drawn{2, 2, 0U, {1, 0}},
           Drawn{10, 3, 42U, {8, 1, 5}},
           Drawn{10, 10, 42U, {8, 1, 5, 0, 7, 2, 9, 4, 3, 6}},
           Drawn{10, 99, 7U, {8, 5, 0, 2, 1, 9, 7, 3, 6, 4}},
           Drawn{33, 5, 4294967295U, {24, 15, 19, 3, 21}},
           Drawn{500, 8, 42U, {361, 73, 374, 155, 104, 394, 377, 124}},
           Drawn{500, 6, 1U, {304, 340, 47, 67, 479, 485}},
           Drawn{1000, 5, 2026U, {246, 132, 597, 134, 237}},
           Drawn{65537, 4, 42U, {3944, 41055, 8777, 1842}},
           Drawn{100000, 5, 42U, {75721, 80184, 19864, 76699, 92991}},
       }) {
    EXPECT_EQ(Sample(drawn.count, drawn.size, drawn.seed), drawn.numbers)
        << drawn.size << " of " << drawn.count << " with seed " << drawn.seed;
  }
}

TEST(Sample, OfNothingIsNothing) { EXPECT_THAT(Sample(0, 5, 42), IsEmpty()); }

TEST(Sample, TakesNoNumberTwice) {
  const std::vector<uint32_t> all = Sample(5000, 5000, 3);
  EXPECT_EQ(std::set<uint32_t>(all.begin(), all.end()).size(), 5000U);
}

/// Ten rows r0 to r9, where r3 holds what no stage can use.
constexpr const char* kTenRows = R"({"name": "r0", "v": 0}
{"name": "r1", "v": 1}
{"name": "r2", "v": 2}
{"name": "r3", "v": null}
{"name": "r4", "v": 4.10}
{"name": "r5", "v": 5}
{"name": "r6", "v": 6}
{"name": "r7", "v": 7}
{"name": "r8", "v": 8}
{"name": "r9", "v": 9})";

struct Outcome {
  std::vector<std::string> names, problems;
};

/// The rows that are built of kTenRows with these `images`; their names are "r" and the column v.
Outcome Build(json images, const std::vector<std::string>& listed = {}) {
  json object = ValidObject();
  images["configMaps"] = json::parse(R"([{"name": "m", "key": "k"}])");
  object["spec"]["images"] = std::move(images);
  object["spec"]["stages"][0]["image"] = "r/i:$(name)-$(v)";
  const auto batch = ReadBatch(object);
  if (!batch) return {{}, Lines(batch.error())};
  Rows rows(UsedColumns(*batch));
  std::vector<Problem> problems;
  ReadRowLines(kTenRows, {"m", "k"}, rows, problems);
  const auto expansion = Expand(*batch, std::move(rows), listed);
  if (!expansion) return {{}, Lines(expansion.error())};
  Outcome outcome;
  for (size_t row = 0; row < expansion->rows.size(); ++row) {
    outcome.names.emplace_back(expansion->rows.name(row));
    EXPECT_EQ(expansion->builds[row].key, expansion->rows.name(row));
    EXPECT_EQ(expansion->rows.Origin(row),
              "ConfigMap m/k line " + std::to_string(std::stoi(outcome.names.back().substr(1)) + 1));
  }
  return outcome;
}

TEST(Select, TakesTheRowsInTheirOwnOrder) {
  const Outcome outcome = Build({{"select", {{"names", {"r9", "r4", "r0", "r4"}}}}});
  EXPECT_THAT(outcome.problems, IsEmpty());
  EXPECT_THAT(outcome.names, ElementsAre("r0", "r4", "r9"));
}

TEST(Select, TakesTheNamesOfAConfigMap) {
  const Outcome outcome =
      Build({{"select", {{"configMap", {{"name", "s"}, {"key", "names"}}}}}}, {"r5", "r1"});
  EXPECT_THAT(outcome.problems, IsEmpty());
  EXPECT_THAT(outcome.names, ElementsAre("r1", "r5"));
}

TEST(Select, LooksIntoSelectedRowsOnly) {
  EXPECT_THAT(Build({{"select", {{"names", {"r2"}}}}}).names, ElementsAre("r2"));
  EXPECT_THAT(Build({{"select", {{"names", {"r2", "r3"}}}}}).problems,
              ElementsAre("ConfigMap m/k line 4: column \"v\", which spec.stages[0].image uses, is null, and "
                          "must be a string, a number or a boolean"));
}

TEST(Select, NamesWhatNoRowHas) {
  EXPECT_THAT(Build({{"select", {{"names", {"r1", "R1", "r10", "R1"}}}}}).problems,
              ElementsAre("spec.images.select.names: no rows have these names: R1, r10"));
  EXPECT_THAT(Build({{"select", {{"configMap", {{"name", "s"}, {"key", "names"}}}}}}, {"x"}).problems,
              ElementsAre("spec.images.select.configMap: no row has this name: x"));
}

TEST(Select, ComesBeforeLimit) {
  const json select = {{"names", {"r1", "r2", "r5", "r6", "r7", "r8"}}};
  EXPECT_THAT(Build({{"select", select}, {"limit", 3}}).names, ElementsAre("r1", "r2", "r8"));
  EXPECT_THAT(Build({{"select", select}, {"limit", 3}, {"seed", 42}}).names, ElementsAre("r1", "r2", "r8"))
      << "42 is the default";
  EXPECT_THAT(Build({{"select", select}, {"limit", 3}, {"seed", 1}}).names, ElementsAre("r5", "r2", "r7"));
  EXPECT_THAT(Build({{"select", select}, {"limit", 100}}).names.size(), 6);
  EXPECT_THAT(Build({{"select", select}, {"limit", 0}}).names,
              ElementsAre("r1", "r2", "r5", "r6", "r7", "r8"));
}

TEST(Select, IsCheckedAsWritten) {
  const auto problem = [](const json& images) { return Build(images).problems; };
  EXPECT_THAT(problem({{"select", json::object()}}),
              ElementsAre("spec.images.select: needs names or configMap; remove select to take all rows"));
  EXPECT_THAT(
      problem({{"select", {{"names", json::array()}}}}),
      ElementsAre("spec.images.select.names: is empty; name a row, or remove select to take all rows"));
  EXPECT_THAT(problem({{"select", {{"names", {"a"}}, {"configMap", {{"name", "s"}, {"key", "k"}}}}}}),
              ElementsAre("spec.images.select: has both names and configMap; give only one of them"));
  EXPECT_THAT(problem({{"select", {{"names", {"a", 7}}}}}),
              ElementsAre("spec.images.select.names: holds 7; each must be the name of a row, as a string"));
  EXPECT_THAT(problem({{"select", {{"configMap", {{"name", "S"}, {"key", "k"}}}}}}),
              ElementsAre("spec.images.select.configMap.name: \"S\" is not a name of a ConfigMap"));
  EXPECT_THAT(problem({{"limit", -1}}).size(), 1);
  EXPECT_THAT(problem({{"seed", int64_t{1} << 32U}}).size(), 1);
}

TEST(Names, AreReadLineByLine) {
  const auto names = ReadNames("\xEF\xBB\xBF one\r\n\r\n\ttwo words \nthree");
  ASSERT_TRUE(names) << names.error().message;
  EXPECT_THAT(*names, ElementsAre("one", "two words", "three"));
}

TEST(Names, AreAnErrorWhereThereIsNone) {
  EXPECT_EQ(ReadNames("\r\n  \n").error().message, "has no names; give one on each line");
  EXPECT_EQ(ReadNames("a\n\xC3\n").error().message, "line 2, column 1: is not UTF-8");
}

}  // namespace
}  // namespace imagebatch::batch
