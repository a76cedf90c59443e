#include "cluster/objects/quota.h"

#include <gtest/gtest.h>

#include <string>

namespace imagebatch::cluster {
namespace {

TEST(QuotaTest, ReadsQuantities) {
  const struct {
    const char* text;
    double number;
  } cases[] = {{"0", 0},      {"1", 1},       {"500m", 0.5},           {"2k", 2000},
               {"2Ki", 2048}, {"1.5", 1.5},   {"1.5Gi", 1.5 * 0x1p30}, {"1e3", 1000},
               {"1E", 1e18},  {"1Ei", 0x1p60}};
  for (const auto& one : cases) {
    ASSERT_TRUE(ReadQuantity(one.text)) << one.text;
    EXPECT_DOUBLE_EQ(*ReadQuantity(one.text), one.number) << one.text;
  }
  for (const char* none : {"", "x", "1x", "m", "1 ", "nan", "inf", "1Kim"})
    EXPECT_FALSE(ReadQuantity(none)) << none;
}

TEST(QuotaTest, WhatOthersUseUpHoldsWhatCanNeverFitDoesNot) {
  const std::string by = "jobs.batch \"x\" is forbidden: exceeded quota: q, ";
  for (const char* held : {
           "requested: count/jobs.batch=1, used: count/jobs.batch=1, limited: count/jobs.batch=1",
           "requested: limits.cpu=500m,pods=1, used: limits.cpu=4,pods=3, limited: limits.cpu=4,pods=10",
           "requested: memory=1Gi, used: memory=1023Mi, limited: memory=1024Mi",
           "requested: pods=1, used: pods=9, limi",  // cut
           "requested: pods=one, used: pods=9, limited: pods=0",
           "",
       }) {
    EXPECT_TRUE(IsHeldByQuota(by + held)) << held;
  }
  for (const char* never : {
           "requested: count/jobs.batch=1, used: count/jobs.batch=0, limited: count/jobs.batch=0",
           "requested: limits.cpu=5,pods=1, used: limits.cpu=0,pods=0, limited: limits.cpu=4,pods=10",
           "requested: limits.cpu=4100m, used: limits.cpu=0, limited: limits.cpu=4",
       }) {
    EXPECT_FALSE(IsHeldByQuota(by + never)) << never;
  }
  for (const char* other : {"", "failed quota: q: must specify limits.cpu for: imagebatch-runner",
                            "error looking up service account", "pods \"exceeded quota\" is forbidden"})
    EXPECT_FALSE(IsHeldByQuota(other)) << other;
}

}  // namespace
}  // namespace imagebatch::cluster
