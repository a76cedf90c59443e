#include "hang/verdict_log.h"

#include <gtest/gtest.h>

namespace imagebatch::hang {
namespace {

TimePoint At(int second) { return TimePoint(std::chrono::seconds(second)); }

Verdict Hung(Class hang_class, int second) { return {Finding{hang_class, "", ""}, At(second)}; }

TEST(VerdictLog, AVerdictThatPassedHasAnEnd) {
  VerdictLog log;
  log.Add(Hung(Class::Idle, 10));
  EXPECT_FALSE(log.Newest().back().until);
  log.Add({std::nullopt, At(20)});
  EXPECT_EQ(log.Newest().back().until, At(20));
  log.Add(Hung(Class::Busy, 30));
  log.Add(Hung(Class::Idle, 40));
  ASSERT_EQ(log.Newest().size(), 3U);
  EXPECT_EQ(log.Newest()[0].until, At(20)) << "an end stays as it is";
  EXPECT_EQ(log.Newest()[1].until, At(40)) << "another class ends it";
  EXPECT_FALSE(log.Newest()[2].until);
  EXPECT_EQ(log.Count(Class::Idle), 2U);
  EXPECT_EQ(log.Count(Class::Busy), 1U);
  EXPECT_EQ(log.Count(Class::Deadlock), 0U);
}

TEST(VerdictLog, KeepsTheNewestAndCountsAll) {
  VerdictLog log;
  for (int second = 0; second < 100; second += 2) {
    log.Add(Hung(second < 10 ? Class::Looping : Class::Idle, second));
    log.Add({std::nullopt, At(second + 1)});
  }
  ASSERT_EQ(log.Newest().size(), VerdictLog::kNewest);
  EXPECT_EQ(log.Newest().front().since, At(100 - 2 * static_cast<int>(VerdictLog::kNewest)));
  EXPECT_EQ(log.Newest().back().since, At(98));
  EXPECT_EQ(log.Count(Class::Looping), 5U);
  EXPECT_EQ(log.Count(Class::Idle), 45U);
}

}  // namespace
}  // namespace imagebatch::hang
