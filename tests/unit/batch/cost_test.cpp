#include <gmock/gmock.h>

#include <iterator>
#include <string>

#include "batch/problems.h"
#include "batch/references.h"
#include "batch/stage_uses.h"
#include "support.h"
#include "support/allocations.h"

namespace imagebatch::batch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Repeat(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

Batch WithArgs(std::vector<std::string> args) {
  Batch batch;
  batch.stages = {MakeStage("image", "$(name)", "r/i:$(name)", {}, std::move(args))};
  return batch;
}

/// An iterator that counts how often a character is looked at.
class Counting {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Counting() = default;
  Counting(const char* at, size_t* looks) : at_(at), looks_(looks) {}
  reference operator*() const {
    ++*looks_;
    return *at_;
  }
  Counting& operator++() {
    ++at_;
    return *this;
  }
  Counting operator++(int) {
    Counting before = *this;
    ++at_;
    return before;
  }
  bool operator==(const Counting& other) const { return at_ == other.at_; }

 private:
  const char* at_ = nullptr;
  size_t* looks_ = nullptr;
};

TEST(CostOfReferences, GrowsWithTheTextWhateverItIs) {
  constexpr size_t kTimes = 20000;
  for (const char* part : {"$(", "$", "$$(", "$()", "$(a", "$((", ")$(", "x"}) {
    for (const char* end : {"", ")"}) {
      const std::string text = Repeat(part, kTimes) + end;
      size_t looks = 0, names = 0;
      CutReferences(
          Counting(text.data(), &looks), Counting(text.data() + text.size(), &looks), Dollars::Single,
          [](auto, auto) {}, [&](auto, auto) { ++names; });
      EXPECT_LE(looks, 5 * text.size()) << part << end;
      EXPECT_GE(looks, text.size() / 2) << part << end;
    }
  }
}

TEST(CostOfProblems, IsPaidForThoseThatAreKept) {
  Problems problems("all");
  size_t made = 0;
  for (int i = 0; i < 1000; ++i) {
    problems.Add([&] {
      ++made;
      return Problem{"w", "m"};
    });
  }
  EXPECT_EQ(made, kMaxProblems);
  EXPECT_EQ(problems.Take().back().message, "990 more problems");
}

TEST(CostOfExpand, DoesNotGrowWithUnknownNamesTimesColumns) {
  std::map<std::string, std::string> columns = {{"name", "a"}};
  for (int i = 0; i < 900; ++i) columns["column_" + std::to_string(i)] = "v";
  std::string arg;
  for (int i = 0; i < 2000; ++i) arg += "$(colum_" + std::to_string(i) + ")";
  const Batch batch = WithArgs({arg});
  std::vector<std::string> problems;
  const size_t bytes = Allocates([&] { problems = ExpandProblems(batch, MakeRows({columns})); });
  ASSERT_EQ(problems.size(), kMaxProblems + 1);
  EXPECT_THAT(problems[1], HasSubstr("did you mean column_1?"));
  EXPECT_EQ(problems.back(), "the batch: 1990 more problems");
  EXPECT_LT(bytes, 4'000'000U);
}

TEST(CostOfExpand, DoesNotGrowWithMissingColumnsTimesRows) {
  std::vector<std::map<std::string, std::string>> rows(1000, {{"name", "a"}});
  std::string arg;
  for (int i = 0; i < 500; ++i) {
    rows[0]["c" + std::to_string(i)] = "v";
    arg += "$(c" + std::to_string(i) + ")";
  }
  for (size_t i = 0; i < rows.size(); ++i) rows[i]["name"] = "n" + std::to_string(i);
  std::vector<std::string> problems;
  const size_t bytes = Allocates([&] { problems = ExpandProblems(WithArgs({arg}), MakeRows(rows)); });
  EXPECT_EQ(problems.back(), "the batch: 499490 more problems");
  EXPECT_LT(bytes, 20'000'000U);
}

TEST(CostOfExpand, NothingIsPutTogetherThatIsFarTooLong) {
  const std::string value(1'000'000, 'v');
  std::vector<std::string> problems;
  Batch batch = WithArgs({Repeat("$(x)", 100'000)});
  size_t bytes = Allocates([&] {
    problems = ExpandProblems(batch, MakeRows({{{"name", "a"}, {"x", value}}}));
  });
  EXPECT_THAT(problems, ElementsAre("spec.stages[0].template.spec.containers[0].args[0]: row \"a\" "
                                    "(spec.images.rows[0]): this argument or environment variable would have "
                                    "100000000000 bytes, at most 131071"));
  EXPECT_LT(bytes, 15'000'000U);

  batch = WithArgs({});
  batch.stages[0].image = "r/" + Repeat("$(x)", 200) + ":1";
  bytes = Allocates([&] { problems = ExpandProblems(batch, MakeRows({{{"name", "a"}, {"x", value}}})); });
  EXPECT_THAT(problems,
              ElementsAre("spec.stages[0].image: row \"a\": would have 200000004 bytes; a name or key "
                          "has at most 253, an image 384"));
  EXPECT_LT(bytes, 15'000'000U);

  batch = WithArgs({});
  batch.images.name_from = Repeat("$(x)", 200);
  bytes = Allocates([&] { problems = ExpandProblems(batch, MakeRows({{{"x", value}}})); });
  EXPECT_THAT(problems,
              ElementsAre(HasSubstr("spec.images.rows[0]: the row's name would have 200000000 bytes")));
  EXPECT_LT(bytes, 15'000'000U);
}

TEST(CostOfExpand, IsRefusedWhereItWouldKeepOthersWaiting) {
  std::map<std::string, std::string> columns;
  std::string arg;
  for (int i = 0; i < 900; ++i) {
    columns["c" + std::to_string(i)] = "";
    arg += "$(c" + std::to_string(i) + ")";
  }
  RowMaps rows;
  for (size_t i = 0; i < 30'000; ++i) rows.push_back({{"name", std::to_string(i)}});
  rows[0].insert(columns.begin(), columns.end());
  EXPECT_THAT(ExpandProblems(WithArgs({arg}), MakeRows(rows)),
              ElementsAre(HasSubstr("spec.stages[0]: uses too many values of the rows: ")));
}

TEST(CostOfExpand, OfASampleIsThatOfTheNamesAndTheSample) {
  Batch batch = WithArgs({});
  batch.images.limit = 50;
  batch.images.select = Select{};
  std::vector<std::string> names;
  RowMaps maps;
  names.reserve(kMaxBuilds);
  maps.reserve(kMaxBuilds);
  for (size_t i = 0; i < kMaxBuilds; ++i) {
    names.push_back("row-" + std::to_string(i));
    maps.push_back({{"name", names.back()}});
  }
  batch.images.select->names = names;
  Rows rows = MakeRows(maps);
  std::optional<Expansion> expansion;
  const size_t bytes = Allocates([&] { expansion = Expand(batch, std::move(rows)).value(); });
  EXPECT_EQ(expansion->rows.size(), 50U);
  EXPECT_EQ(expansion->rows.name(0), "row-75721");
  EXPECT_LT(bytes, 60'000'000U) << "in all; most of it is given back";
}

TEST(CostOfRows, EndsWithTheFirstProblemsAndTheLimits) {
  Rows rows({});
  std::vector<Problem> problems;
  const std::string bad = Repeat("nonsense\n", 50'000) + "\n";
  const size_t bytes = Allocates([&] { ReadRowLines(bad, {"m", "k"}, rows, problems); });
  EXPECT_EQ(Lines(problems).back(), "ConfigMap m/k: 49990 more lines were not read");
  EXPECT_LT(bytes, 100'000U);

  problems.clear();
  ReadRowLines(Repeat("{}\n", kMaxBuilds - 1), {"m", "k"}, rows, problems);
  ReadRowLines(Repeat("{}\n", 1000), {"m", "k"}, rows, problems);
  EXPECT_EQ(rows.size(), kMaxBuilds + 1);  // one too many is enough to refuse them
  EXPECT_THAT(problems, IsEmpty());
}

TEST(CostOfRows, ColumnsAndValuesAreBounded) {
  std::string wide = "{";
  for (size_t i = 0; i <= kMaxColumns; ++i) wide += (i == 0 ? "\"c" : ",\"c") + std::to_string(i) + "\":1";
  Rows too_wide({});
  std::vector<Problem> problems;
  ReadRowLines(wide + "}", {"m", "k"}, too_wide, problems);
  EXPECT_THAT(Lines(problems), ElementsAre("ConfigMap m/k line 1: has more than 1000 columns"));

  problems.clear();
  std::map<std::string, std::string> full;
  for (size_t i = 0; i < kMaxColumns; ++i) full["c" + std::to_string(i)];
  Rows rows = MakeRows(RowMaps(kMaxValues / kMaxColumns, full));
  ReadRowLines("{\"a\": 1}\n{\"a\": 1}\n", {"m", "k"}, rows, problems);
  EXPECT_THAT(Lines(problems),
              ElementsAre("ConfigMap m/k line 1: the rows have more than 2000000 values in all"));

  RowMaps different;
  for (size_t i = 0; i <= kMaxColumns; ++i) different.push_back({{"d" + std::to_string(i), "v"}});
  EXPECT_THAT(ExpandProblems(WithArgs({}), MakeRows(different)),
              ElementsAre("spec.images: the rows have more than 1000 different columns"));
}

}  // namespace
}  // namespace imagebatch::batch
