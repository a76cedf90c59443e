#include "cluster/store/purpose.h"

#include <gtest/gtest.h>

#include <set>

namespace imagebatch::cluster {
namespace {

Result<kube::Response> Status(int status) { return kube::Response{status, "", std::nullopt}; }

TEST(PurposeTest, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kPurposes; ++i) names.insert(Name(static_cast<Purpose>(i)));
  EXPECT_EQ(names.size(), kPurposes);
  EXPECT_FALSE(names.contains(""));
}

TEST(PurposeTest, NoReplyAndTheServersOwnTroubleAreFailuresOfAll) {
  for (size_t i = 0; i < kPurposes; ++i) {
    const auto purpose = static_cast<Purpose>(i);
    EXPECT_FALSE(Failed(purpose, Status(200))) << Name(purpose);
    EXPECT_FALSE(Failed(purpose, Status(201))) << Name(purpose);
    EXPECT_TRUE(Failed(purpose, Fail("the connection was closed"))) << Name(purpose);
    for (const int status : {301, 429, 500, 503})
      EXPECT_TRUE(Failed(purpose, Status(status))) << Name(purpose);
  }
}

TEST(PurposeTest, WhatIsGoneAlreadyIsDeleted) {
  for (const Purpose purpose : {Purpose::DeleteJob, Purpose::DeleteEvidence, Purpose::DeleteBatch}) {
    EXPECT_FALSE(Failed(purpose, Status(404))) << Name(purpose);
    EXPECT_TRUE(Failed(purpose, Status(403))) << Name(purpose);
  }
}

TEST(PurposeTest, AConflictAfterWhichTheObjectIsReadAgainIsNoFailure) {
  for (const Purpose purpose : {Purpose::WriteStatus, Purpose::WriteResults, Purpose::CreateJob})
    EXPECT_FALSE(Failed(purpose, Status(409))) << Name(purpose);
}

TEST(PurposeTest, ARefusalThatIsToldElsewhereIsAnAnswer) {
  EXPECT_FALSE(Failed(Purpose::CreateJob, Status(422))) << "the result of the build";
  EXPECT_FALSE(Failed(Purpose::DryRun, Status(403))) << "the input is not valid yet";
  EXPECT_FALSE(Failed(Purpose::ReadRows, Status(404))) << "the input is not valid yet";
  EXPECT_FALSE(Failed(Purpose::ReadLog, Status(404))) << "the Pod is gone";
  EXPECT_FALSE(Failed(Purpose::WriteEvidence, Status(403))) << "the Event EvidenceNotStored";
  EXPECT_TRUE(Failed(Purpose::CreateJob, Status(403)));
  EXPECT_FALSE(
      Failed(Purpose::CreateJob, kube::Response{403, R"({"message": "exceeded quota: q"})", std::nullopt}))
      << "the build is held";
  EXPECT_TRUE(Failed(Purpose::ReadRows, Status(403)));
  EXPECT_TRUE(Failed(Purpose::ReadLog, Status(403)));
  EXPECT_TRUE(Failed(Purpose::WriteResults, Status(422)));
  EXPECT_TRUE(Failed(Purpose::WriteStatus, Status(403)));
  EXPECT_TRUE(Failed(Purpose::WriteStatus, Status(422)));
}

}  // namespace
}  // namespace imagebatch::cluster
