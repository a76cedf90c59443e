#include "local/start_record.h"

#include <gmock/gmock.h>

#include "support/temporary_directory.h"

namespace imagebatch::local {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

constexpr Time kStart{hours(400'000)};

class StartRecordTest : public ::testing::Test {
 protected:
  Result<StartRecord> At(const std::string& digest, Time now, bool has_results = true) const {
    return Begin(directory_.path() / "start.json", digest, has_results, now);
  }
  imagebatch::testing::TemporaryDirectory directory_;
};

TEST_F(StartRecordTest, TheFirstRunIsTheStart) {
  ASSERT_TRUE(At("d", kStart, false));
  const auto later = At("d", kStart + hours(2));
  ASSERT_TRUE(later) << later.error().message;
  EXPECT_EQ(later->start, kStart);
}

TEST_F(StartRecordTest, AnotherInputIsRefusedWithTheWayOut) {
  ASSERT_TRUE(At("d", kStart, false));
  const auto changed = At("e", kStart + hours(2));
  ASSERT_FALSE(changed);
  EXPECT_THAT(changed.error().message, HasSubstr("have changed since"));
  EXPECT_THAT(changed.error().message, HasSubstr("another metadata.name, or move"));
  EXPECT_TRUE(At("d", kStart)) << "the record is as it was";
}

TEST_F(StartRecordTest, ADigestThatCannotBeComparedIsTakenAsItIs) {
  directory_.Write("start.json",
                   R"({"inputDigest":"old","digestVersion":1,"startTime":"2026-01-02T03:04:05Z"})");
  EXPECT_TRUE(At("e", kStart));
}

TEST_F(StartRecordTest, ResultsOfNoKnownBatchAreLeftAlone) {
  const auto begun = At("d", kStart, true);
  ASSERT_FALSE(begun);
  EXPECT_THAT(begun.error().message, HasSubstr("has results but no start.json"));
}

TEST_F(StartRecordTest, ARecordThatIsNoneIsAnError) {
  directory_.Write("start.json", "{\"inputDig");
  const auto begun = At("d", kStart);
  ASSERT_FALSE(begun);
  EXPECT_THAT(begun.error().message, HasSubstr("is not what this program wrote"));
}

}  // namespace
}  // namespace imagebatch::local
