#include "local/result_file.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "cluster/store/result_line.h"
#include "support/temporary_directory.h"
#include "unit/local/support.h"

namespace imagebatch::local {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Line(const std::string& build) {
  cluster::Outcome outcome;
  outcome.succeeded = true;
  outcome.reason = "Succeeded";
  return cluster::ResultLine({"image", build, "r/x", build, "job", 1, {}, {}, {}}, outcome, Time{});
}

class ResultFileTest : public ::testing::Test {
 protected:
  Result<ResultFile> Open() const { return ResultFile::Open(directory_.path() / "results.jsonl"); }
  auto Size() const { return std::filesystem::file_size(directory_.path() / "results.jsonl"); }

  imagebatch::testing::TemporaryDirectory directory_;
};

TEST_F(ResultFileTest, KeepsWhatWasAdded) {
  {
    auto file = Open();
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_THAT(file->stored(), IsEmpty());
    ASSERT_TRUE(file->Append({Line("a"), Line("b")}));
    ASSERT_TRUE(file->Append({}));
    ASSERT_TRUE(file->Append({Line("c")}));
  }
  const auto file = Open();
  ASSERT_TRUE(file);
  ASSERT_EQ(file->stored().size(), 3U);
  EXPECT_EQ(file->stored()[2].build, "c");
  EXPECT_THAT(file->repaired(), IsEmpty());
}

TEST_F(ResultFileTest, ALineThatWasCutOffIsTakenOutAndTold) {
  const std::string whole = Line("a") + "\n";
  directory_.Write("results.jsonl", whole + Line("b").substr(0, 40));
  {
    const auto file = Open();
    ASSERT_TRUE(file);
    EXPECT_EQ(file->stored().size(), 1U);
    EXPECT_THAT(file->repaired(), HasSubstr("results.jsonl line 2 was cut off after 40 bytes"));
  }
  EXPECT_EQ(Size(), whole.size());
  EXPECT_THAT(Open()->repaired(), IsEmpty());
}

TEST_F(ResultFileTest, ALineThatIsNoResultStopsEverything) {
  const std::string text = Line("a") + "\n{\"half\":\n" + Line("b") + "\n";
  directory_.Write("results.jsonl", text);
  const auto file = Open();
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("results.jsonl line 2 is not a result"));
  EXPECT_EQ(Size(), text.size()) << "nothing is lost";
}

TEST_F(ResultFileTest, RoomThatIsSetAsideIsNoContent) {
  {
    auto file = Open();
    ASSERT_TRUE(file);
    EXPECT_TRUE(file->Reserve(10));
    EXPECT_TRUE(file->Append({Line("a")}));
    EXPECT_EQ(Size(), Line("a").size() + 1);
  }
  EXPECT_EQ(Open()->stored().size(), 1U);
}

}  // namespace
}  // namespace imagebatch::local
