#include "loop/spin_guard.h"

#include <gtest/gtest.h>

namespace imagebatch::cluster {
namespace {

using std::chrono::milliseconds;

constexpr SteadyTime kNow{std::chrono::hours(1)};

TEST(SpinGuardTest, ARoundThatIsDueAtOnceForTheThirdTimeIsHeldBackAndCounted) {
  SpinGuard guard;
  EXPECT_EQ(guard.Until(kNow, kNow), kNow);
  EXPECT_EQ(guard.Until(SteadyTime{}, kNow), SteadyTime{});
  EXPECT_EQ(guard.spins(), 0u);
  EXPECT_EQ(guard.Until(SteadyTime{}, kNow), kNow + milliseconds(100));
  EXPECT_EQ(guard.Until(SteadyTime{}, kNow), kNow + milliseconds(100)) << "for as long as it goes on";
  EXPECT_EQ(guard.spins(), 2u);
}

TEST(SpinGuardTest, AnEventOrARoundThatIsDueLaterIsACause) {
  SpinGuard guard;
  for (int i = 0; i < 100; ++i) {
    guard.Until(kNow, kNow);
    guard.Until(kNow, kNow);
    if (i % 2 == 0) {
      guard.OnEvent();
    } else {
      EXPECT_EQ(guard.Until(kNow + milliseconds(1), kNow), kNow + milliseconds(1));
    }
  }
  EXPECT_EQ(guard.spins(), 0u);
}

}  // namespace
}  // namespace imagebatch::cluster
