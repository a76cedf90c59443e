#include "cluster/objects/hang_groups.h"

#include <gmock/gmock.h>

#include "cluster/watch/flagged_list.h"
#include "contract/contract.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kOne = "111111111111";
constexpr const char* kOther = "222222222222";

VerdictChange Hangs(const std::string& job, const std::string& fingerprint, int since) {
  VerdictChange change;
  change.job = job;
  change.stands = true;
  change.verdict.class_name = "Idle";
  change.verdict.since = Time(seconds(since));
  change.verdict.alike = {fingerprint, "summary " + fingerprint};
  return change;
}

/// "fingerprint count/hanging first-last"
std::vector<std::string> Lines(const std::vector<HangGroup>& groups) {
  std::vector<std::string> lines;
  for (const HangGroup& group : groups) {
    const auto at = [](Time time) { return std::to_string(time.time_since_epoch() / seconds(1)); };
    lines.push_back(group.alike.fingerprint + " " + std::to_string(group.count) + "/" +
                    std::to_string(group.hanging) + " " + at(group.first) + "-" + at(group.last));
    EXPECT_EQ(group.alike.summary, "summary " + group.alike.fingerprint);
    EXPECT_EQ(group.class_name, "Idle");
  }
  return lines;
}

TEST(HangGroupsTest, ThoseThatHangAlikeAreOneAndTheLargestComesFirst) {
  FlaggedList flagged;
  flagged.Put(Hangs("a", kOne, 50));
  flagged.Put(Hangs("b", kOther, 10));
  flagged.Put(Hangs("c", kOther, 30));
  EXPECT_EQ(flagged.alike(kOther), 2U);
  EXPECT_EQ(flagged.alike("333333333333"), 0U);
  EXPECT_THAT(Lines(HangGroups().With(flagged.Groups())),
              ElementsAre("222222222222 2/2 10-30", "111111111111 1/1 50-50"));
  flagged.Put(Hangs("c", kOne, 60));  // it hangs in another way now
  EXPECT_THAT(Lines(HangGroups().With(flagged.Groups())),
              ElementsAre("111111111111 2/2 50-60", "222222222222 1/1 10-10"));
  for (const char* job : {"a", "b", "c", "c"}) flagged.Remove(job);
  EXPECT_THAT(flagged.Groups(), IsEmpty());
}

TEST(HangGroupsTest, ThoseThatHaveEndedCountToo) {
  FlaggedList flagged;
  flagged.Put(Hangs("a", kOne, 50));
  HangGroups groups;
  groups.Ended({kOne, std::string("summary ") + kOne}, "Idle", Time(seconds(20)));
  groups.Ended({kOther, std::string("summary ") + kOther}, "Idle", Time(seconds(90)));
  EXPECT_THAT(Lines(groups.With(flagged.Groups())),
              ElementsAre("111111111111 2/1 20-50", "222222222222 1/0 90-90"));
}

TEST(HangGroupsTest, AreBoundedHoweverManyKindsThereAre) {
  HangGroups groups;
  for (int kind = 0; kind < 1000; ++kind)
    groups.Ended({std::to_string(100'000'000'000 + kind), "s"}, "Idle", Time(seconds(kind)));
  const auto all = groups.With({});
  ASSERT_EQ(all.size(), HangGroups::kKept);
  EXPECT_EQ(all.front().alike.fingerprint, "100000000999");
  EXPECT_EQ(all.back().alike.fingerprint, "100000000800");
}

TEST(AlikeTest, WhatIsNoFingerprintIsReplacedByClassAndReason) {
  const Alike by_reason = AlikeByReason("Idle", "NoActivity");
  EXPECT_TRUE(IsFingerprint(by_reason.fingerprint));
  EXPECT_EQ(by_reason.summary, "NoActivity");
  EXPECT_NE(by_reason.fingerprint, AlikeByReason("Idle", "Other").fingerprint);
  EXPECT_NE(by_reason.fingerprint, AlikeByReason("Busy", "NoActivity").fingerprint);
  EXPECT_EQ(AlikeByReason("Idle", "").summary, "Idle");
  for (const char* forged :
       {"", "0123456789a", "0123456789abc", "0123456789AB", "0123456789a\"", "../../etc/pw"})
    EXPECT_EQ(AlikeOf(forged, "summary", "Idle", "NoActivity"), by_reason) << forged;
  EXPECT_EQ(AlikeOf(kOne, "summary", "Idle", "NoActivity"), (Alike{kOne, "summary"}));
  EXPECT_EQ(AlikeOf(kOne, "", "Idle", "NoActivity"), (Alike{kOne, "NoActivity"}));
  const Alike bounded = AlikeOf(kOne, "a\nb\x1b[31m\xff" + std::string(1000, 'x'), "Idle", "NoActivity");
  EXPECT_EQ(bounded.summary.substr(0, 10), "a b?[31m?x");
  EXPECT_LE(bounded.summary.size(), contract::kSummaryBytes);
}

}  // namespace
}  // namespace imagebatch::cluster
