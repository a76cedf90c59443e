#include "rows/config_maps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "batch/read.h"
#include "document/read.h"

namespace imagebatch::rows {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kMebibyte = size_t{1} << 20U;

nlohmann::json ReadBack(const std::string& document) {
  auto read = document::ReadYaml(document, 4 * kMebibyte);
  EXPECT_TRUE(read) << read.error().message;
  return read.value_or(nlohmann::json());
}

Record MakeRecord(const std::string& column, const std::string& text) {
  return {"origin", {{column, text, true, std::nullopt}}};
}

TEST(ConfigMaps, AreImmutableNumberedAndReadByTheController) {
  const std::vector<std::string> lines = {JsonLine(MakeRecord("a", "one")), JsonLine(MakeRecord("a", "two"))};
  const auto documents = MakeConfigMaps(lines, "verified", "builds");
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), 1U);
  EXPECT_EQ(documents->front(),
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: verified-1\n  namespace: builds\n"
            "immutable: true\ndata:\n  rows.jsonl: |\n    {\"a\": \"one\"}\n    {\"a\": \"two\"}\n");
  EXPECT_THAT(MakeConfigMaps(lines, "v", "")->front(), testing::Not(HasSubstr("namespace")));
}

TEST(ConfigMaps, GiveBackEveryCharacter) {
  std::string text = "quote \" backslash \\ tab \t line\r\n ";
  text += "\u0085\u2028\u2029\uFEFF\uFFFD\u007F\u00A0 \u4E2D\u6587 \U0001F600 # : ' - ";
  const auto documents = MakeConfigMaps({JsonLine(MakeRecord("a", text))}, "v", "");
  ASSERT_TRUE(documents);
  const std::string rows = ReadBack(documents->front())["data"][kRowsKey];
  batch::Rows read({"a"});
  std::vector<batch::Problem> problems;
  batch::ReadRowLines(rows, {"v", kRowsKey}, read, problems);
  ASSERT_THAT(problems, IsEmpty());
  EXPECT_EQ(read.Value(0, "a"), text);
  EXPECT_THAT(documents->front(), HasSubstr("\u4E2D\u6587")) << "what people can read stays readable";
}

TEST(ConfigMaps, AreEachLessThanAMebibyteHoweverTheyAreWritten) {
  std::vector<std::string> lines;
  lines.reserve(3000);
  for (int i = 0; i < 3000; ++i)
    lines.push_back(
        JsonLine(MakeRecord("a", std::to_string(i) + std::string(400, '"') + std::string(400, '\n'))));
  const auto documents = MakeConfigMaps(lines, "v", "n");
  ASSERT_TRUE(documents) << documents.error().message;
  EXPECT_GT(documents->size(), 4U);
  std::vector<std::string> found;
  for (const std::string& document : *documents) {
    EXPECT_LT(document.size(), kMebibyte);
    const nlohmann::json object = ReadBack(document);
    EXPECT_EQ(object["metadata"]["name"], "v-" + std::to_string(&document - documents->data() + 1));
    EXPECT_LT(object.dump().size(), kMebibyte);
    std::istringstream text(object["data"][kRowsKey].get<std::string>());
    for (std::string line; std::getline(text, line);) found.push_back(line);
  }
  EXPECT_EQ(found, lines);
}

TEST(ConfigMaps, SayWhatDoesNotFit) {
  EXPECT_THAT(MakeConfigMaps({"{}", std::string(kMebibyte, 'x')}, "v", "").error().message,
              HasSubstr("row 2 has 1048576 bytes, which no ConfigMap can hold; choose its columns"));
  EXPECT_THAT(
      MakeConfigMaps(std::vector<std::string>(65, std::string(1'000'000, 'x')), "v", "").error().message,
      HasSubstr("the rows need 65 ConfigMaps, and a batch takes at most 64"));
  EXPECT_THAT(MakeConfigMaps(std::vector<std::string>(100'001, "{}"), "v", "").error().message,
              HasSubstr("there are 100001 rows, and a batch takes at most 100000"));
}

}  // namespace
}  // namespace imagebatch::rows
