#include "cluster/watch/flagged_list.h"

#include <gmock/gmock.h>

#include "support/allocations.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::Pair;

constexpr auto kHang = Verdict::Kind::Hang, kStall = Verdict::Kind::Stall;

VerdictChange Found(int number, Verdict::Kind kind, const char* class_name, int since) {
  return {"job-" + std::to_string(number),
          static_cast<uint32_t>(number),
          true,
          {kind, class_name, "", "m", kBegin + seconds(since)},
          {},
          {},
          {},
          1};
}

std::vector<std::string> Names(const FlaggedList& flagged, Verdict::Kind kind, size_t most) {
  std::vector<std::string> names;
  for (const VerdictChange* change : flagged.First(kind, most)) names.push_back(change->job);
  return names;
}

TEST(FlaggedListTest, ShowsTheOldestOfEachKind) {
  FlaggedList flagged;
  flagged.Put(Found(1, kStall, "ImagePull", 0));
  flagged.Put(Found(2, kHang, "Idle", 9));
  flagged.Put(Found(3, kHang, "Idle", 5));
  flagged.Put(Found(4, kHang, "Busy", 7));
  EXPECT_THAT(Names(flagged, kHang, 9), ElementsAre("job-3", "job-4", "job-2"));
  EXPECT_THAT(Names(flagged, kHang, 2), ElementsAre("job-3", "job-4"));
  EXPECT_THAT(Names(flagged, kStall, 9), ElementsAre("job-1"));
  EXPECT_THAT(flagged.by_class(kHang), ElementsAre(Pair("Busy", 1), Pair("Idle", 2)));
  EXPECT_THAT(flagged.by_class(kStall), ElementsAre(Pair("ImagePull", 1)));
  flagged.Put(Found(3, kStall, "ImagePull", 1));
  flagged.Remove("job-4");
  flagged.Remove("job-4");
  EXPECT_THAT(Names(flagged, kHang, 9), ElementsAre("job-2"));
  EXPECT_THAT(Names(flagged, kStall, 9), ElementsAre("job-1", "job-3"));
  EXPECT_EQ(flagged.size(kHang), 1u);
  EXPECT_THAT(flagged.by_class(kHang), ElementsAre(Pair("Idle", 1)));
  EXPECT_THAT(flagged.by_class(kStall), ElementsAre(Pair("ImagePull", 2)));
  EXPECT_THAT(flagged.builds(), ElementsAre(1u, 2u, 3u));
}

TEST(FlaggedListTest, ABuildIsThereUntilTheLastOfItsAttemptsIsGone) {
  FlaggedList flagged;
  VerdictChange other = Found(1, kStall, "Terminating", 0);
  other.job = "other";
  flagged.Put(Found(1, kHang, "Idle", 0));
  flagged.Put(other);
  const uint64_t changes = flagged.changes_of_builds();
  flagged.Remove("job-1");
  EXPECT_THAT(flagged.builds(), ElementsAre(1u));
  EXPECT_EQ(flagged.changes_of_builds(), changes);
  flagged.Remove("other");
  EXPECT_TRUE(flagged.builds().empty());
  EXPECT_NE(flagged.changes_of_builds(), changes);
}

TEST(FlaggedListTest, ALookAndAChangeCostNoMoreAmongThousands) {
  FlaggedList few, many;
  for (int i = 0; i < 20; ++i) few.Put(Found(i, kHang, "Idle", i));
  for (int i = 0; i < 5000; ++i) many.Put(Found(i, kHang, "Idle", i));
  const auto cost = [](FlaggedList& flagged) {
    return Allocates([&] {
      flagged.Put(Found(7, kHang, "Busy", 3));
      static_cast<void>(flagged.First(kHang, 20));
    });
  };
  EXPECT_EQ(cost(many), cost(few));
}

}  // namespace
}  // namespace imagebatch::cluster
