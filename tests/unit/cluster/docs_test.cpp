// docs/batch.md names the conditions and their reasons as the program does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "cluster/store/purpose.h"
#include "cluster/store/status_object.h"
#include "support/repository.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

/// The rows of the table that begins with `header`, without that and the line below it.
std::string Table(const std::string& header) {
  const std::string text = FileText("docs/batch.md");
  const size_t begin = text.find('\n', text.find('\n', text.find(header)) + 1);
  return text.substr(begin, text.find("\n\n", begin) - begin);
}

TEST(ConditionsInTheDocs, AreThoseOfTheStatus) {
  std::set<std::string> written, documented;
  const json status = StatusObject(Summary(), json::object(), Time{});
  for (const json& condition : status["conditions"]) written.insert(condition["type"]);
  const std::string table = Table("| condition |");
  const std::regex row("\n\\| (\\w+) \\|");
  for (std::sregex_iterator at(table.begin(), table.end(), row), end; at != end; ++at)
    documented.insert((*at)[1]);
  EXPECT_EQ(documented, written);
}

TEST(ConditionsInTheDocs, DegradedHasTheReasonOfEveryPurpose) {
  const std::string table = Table("| reason of Degraded |");
  for (size_t i = 0; i < kPurposes; ++i) {
    const auto purpose = static_cast<Purpose>(i);
    if (purpose == Purpose::WatchBatches || purpose == Purpose::WatchJobs || purpose == Purpose::WatchPods ||
        purpose == Purpose::WatchLabelledPods)
      continue;  // of no batch
    EXPECT_THAT(table, testing::HasSubstr("`" + std::string(Reason(purpose)) + "`"));
  }
}

}  // namespace
}  // namespace imagebatch::cluster
