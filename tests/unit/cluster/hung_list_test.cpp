#include "cluster/watch/hung_list.h"

#include <gmock/gmock.h>

#include "support/allocations.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::Pair;

HangChange Verdict(int number, const char* klass, int since) {
  return {"job-" + std::to_string(number),
          static_cast<uint32_t>(number),
          true,
          {klass, "", "m", kBegin + seconds(since)},
          {},
          {},
          {},
          1};
}

std::vector<std::string> Names(const HungList& hung, size_t most) {
  std::vector<std::string> names;
  for (const HangChange* change : hung.First(most)) names.push_back(change->job);
  return names;
}

TEST(HungListTest, HangsAreToldBeforeWhatIsHeldUpAndTheOldestFirst) {
  HungList hung;
  hung.Put(Verdict(1, "ImagePull", 0));
  hung.Put(Verdict(2, "Idle", 9));
  hung.Put(Verdict(3, "Idle", 5));
  hung.Put(Verdict(4, "Busy", 7));
  EXPECT_THAT(Names(hung, 9), ElementsAre("job-3", "job-4", "job-2", "job-1"));
  EXPECT_THAT(Names(hung, 2), ElementsAre("job-3", "job-4"));
  EXPECT_THAT(hung.by_class(), ElementsAre(Pair("Busy", 1), Pair("Idle", 2), Pair("ImagePull", 1)));
  hung.Put(Verdict(3, "ImagePull", 1));
  hung.Remove("job-4");
  hung.Remove("job-4");
  EXPECT_THAT(Names(hung, 9), ElementsAre("job-2", "job-1", "job-3"));
  EXPECT_THAT(hung.by_class(), ElementsAre(Pair("Idle", 1), Pair("ImagePull", 2)));
  EXPECT_THAT(hung.builds(), ElementsAre(1u, 2u, 3u));
}

TEST(HungListTest, ABuildIsThereUntilTheLastOfItsAttemptsIsGone) {
  HungList hung;
  HangChange other = Verdict(1, "Terminating", 0);
  other.job = "other";
  hung.Put(Verdict(1, "Idle", 0));
  hung.Put(other);
  const uint64_t changes = hung.changes_of_builds();
  hung.Remove("job-1");
  EXPECT_THAT(hung.builds(), ElementsAre(1u));
  EXPECT_EQ(hung.changes_of_builds(), changes);
  hung.Remove("other");
  EXPECT_TRUE(hung.builds().empty());
  EXPECT_NE(hung.changes_of_builds(), changes);
}

TEST(HungListTest, ALookAndAChangeCostNoMoreAmongThousands) {
  HungList few, many;
  for (int i = 0; i < 20; ++i) few.Put(Verdict(i, "Idle", i));
  for (int i = 0; i < 5000; ++i) many.Put(Verdict(i, "Idle", i));
  const auto cost = [](HungList& hung) {
    return Allocates([&] {
      hung.Put(Verdict(7, "Busy", 3));
      static_cast<void>(hung.First(20));
    });
  };
  EXPECT_EQ(cost(many), cost(few));
}

}  // namespace
}  // namespace imagebatch::cluster
