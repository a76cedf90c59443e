#include "runner/proc/counters.h"

#include <gtest/gtest.h>

namespace imagebatch::runner {
namespace {

constexpr uint64_t kPage = 4096;

TEST(FreshPages, WhatIsWrittenWithoutAFaultIsFresh) {
  FreshPages pages;
  EXPECT_EQ(pages.Add(10 * kPage, 0), 10 * kPage);
  EXPECT_EQ(pages.Add(25 * kPage, 0), 25 * kPage);
}

TEST(FreshPages, AMappingThatIsDirtiedAgainIsNot) {
  FreshPages pages;
  uint64_t dirtied = 0, faults = 0;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pages.Add(dirtied += 8 * kPage, faults += 8), 0U) << "page by page";
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(pages.Add(dirtied += 8 * kPage, faults += 1), 0U) << "a large folio";
}

TEST(FreshPages, BesideAMappingTheRestIsFresh) {
  FreshPages pages;
  pages.Add(kPage, 1);
  EXPECT_EQ(pages.Add(1'000'000 + kPage, 2), 1'000'000U - 64 * 1024);
}

TEST(FreshPages, ACounterThatFallsIsNoChange) {
  FreshPages pages;
  EXPECT_EQ(pages.Add(10 * kPage, 100), 0U);
  EXPECT_EQ(pages.Add(2 * kPage, 20), 0U);
  EXPECT_EQ(pages.Add(3 * kPage, 20), kPage);
}

}  // namespace
}  // namespace imagebatch::runner
