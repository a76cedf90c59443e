#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "support.h"

namespace imagebatch::batch {
namespace {

using nlohmann::json;

/// Every field of the schema stands in docs/batch.md, but those that are Kubernetes' own.
void ExpectDocumented(const json& schema, const std::string& path, const std::string& docs) {
  if (path.ends_with(".template") || path.ends_with(".conditions")) return;
  if (schema.contains("items")) ExpectDocumented(schema["items"], path, docs);
  if (!schema.contains("properties")) return;
  for (const auto& [name, field] : schema["properties"].items()) {
    const std::string quoted = std::string("`").append(name).append("`");
    EXPECT_NE(docs.find(quoted), std::string::npos) << path << "." << name;
    ExpectDocumented(field, std::string(path).append(".").append(name), docs);
  }
}

TEST(BatchReference, HasEveryFieldOfTheCrd) {
  const auto crd = document::ReadYaml(CrdText("imagebatches"), 1 << 20);
  ASSERT_TRUE(crd) << crd.error().message;
  const json& schema = (*crd)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
  const std::string docs = FileText("docs/batch.md");
  ExpectDocumented(schema["spec"], "spec", docs);
  ExpectDocumented(schema["status"], "status", docs);
}

TEST(OperationsPage, HasTheLimitOfABatchsName) {
  std::smatch rule, line;
  const std::string crd = CrdText("imagebatches"), page = FileText("docs/operations.md");
  ASSERT_TRUE(std::regex_search(crd, rule, std::regex(R"(size\(self\.metadata\.name\) <= (\d+))")));
  ASSERT_TRUE(std::regex_search(page, line, std::regex(R"(\| name of [^|]* \| (\d+) characters)")));
  EXPECT_EQ(line[1], rule[1]);
}

}  // namespace
}  // namespace imagebatch::batch
