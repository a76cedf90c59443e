#include "runner/stacks/stack_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imagebatch::runner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

StackGroup One(std::vector<ThreadStack> threads) {
  return {.pids = {}, .python = "3.11.2", .threads = std::move(threads), .more_threads = 0};
}

const ThreadStack kMain = {"main", "a.py:1 main", ""};

TEST(StackGrouper, PutsTogetherWhatReadsTheSame) {
  StackGrouper grouper;
  grouper.Add(7, One({kMain, {"thread 8", "a.py:5 work", "a Lock"}}));
  grouper.Add(9, One({kMain}));
  grouper.Add(11, One({kMain, {"thread 12", "a.py:5 work", "a Lock"}}));
  const Stacks stacks = grouper.Take();
  ASSERT_THAT(stacks.groups, SizeIs(2));
  EXPECT_THAT(stacks.groups[0].pids, ElementsAre(7, 11));
  EXPECT_EQ(stacks.groups[0].threads[1].thread, "a thread");
  EXPECT_THAT(stacks.groups[1].pids, ElementsAre(9));
}

TEST(StackGrouper, KeepsApartWhatDiffers) {
  StackGrouper grouper;
  StackGroup more = One({kMain});
  more.more_threads = 1;
  grouper.Add(1, One({kMain}));
  grouper.Add(2, more);
  grouper.Add(3, One({{"thread 4", "a.py:1 main", ""}}));
  grouper.Add(5, One({{"main", "a.py:2 main", ""}}));
  grouper.Add(6, One({{"main", "a.py:1 main", "a Lock"}}));
  EXPECT_THAT(grouper.Take().groups, SizeIs(5));
}

TEST(StackGrouper, PutsTogetherThreadsInOnePlace) {
  StackGrouper grouper;
  const ThreadStack work = {"thread 8", "a.py:5 work", ""};
  grouper.Add(7, One({{"main", work.at, ""}, work, {"thread 9", "b.py:1 f", ""}, work, work}));
  const Stacks stacks = grouper.Take();
  ASSERT_THAT(stacks.groups.at(0).threads, SizeIs(3));
  EXPECT_EQ(stacks.groups[0].threads[0].thread, "main") << "it stays alone";
  EXPECT_EQ(stacks.groups[0].threads[1].thread, "3 threads");
  EXPECT_EQ(stacks.groups[0].threads[2].thread, "thread 9");
}

TEST(StackGrouper, SaysWhatIsLeftOut) {
  StackGrouper grouper;
  for (int pid = 1; pid <= 100; ++pid) {
    grouper.Add(pid, One({{"main", "a.py:" + std::to_string(pid) + " f", ""}}));
  }
  std::vector<ThreadStack> threads;
  for (int id = 1; id <= 100; ++id) threads.push_back({"thread", "a.py:" + std::to_string(id) + " f", ""});
  StackGrouper other;
  other.Add(1, One(threads));
  const Stacks stacks = grouper.Take();
  EXPECT_THAT(stacks.groups, SizeIs(kMostStackGroups));
  EXPECT_THAT(stacks.not_read, ElementsAre("the stacks of 76 processes are left out"));
  const Stacks of_threads = other.Take();
  EXPECT_THAT(of_threads.groups.at(0).threads, SizeIs(kMostStacksOfGroup));
  EXPECT_EQ(of_threads.groups[0].more_threads, 84U);
}

TEST(StackGrouper, LeavesOutProcessesOfWhichThereIsNothingToSay) {
  StackGrouper grouper;
  grouper.Add(7, {});
  EXPECT_THAT(grouper.Take().groups, IsEmpty());
}

TEST(StackGrouper, NamesTogetherWhatCannotBeReadForOneReason) {
  StackGrouper grouper;
  for (int pid : {3, 5}) grouper.AddNotRead(pid, "its memory cannot be read: Permission denied");
  for (int pid = 10; pid < 30; ++pid) grouper.AddNotRead(pid, "x");
  EXPECT_THAT(grouper.Take().not_read, ElementsAre("pids 3, 5: its memory cannot be read: Permission denied",
                                                   "pids 10, 11, 12, 13, 14, 15 and 14 more: x"));
}

TEST(Encode, IsReadBack) {
  Stacks stacks;
  stacks.groups = {One({kMain, {"thread 8", "", "a mutex", "a.py f|b.py g||x"}}), {}};
  stacks.groups[0].pids = {1, 2};
  stacks.groups[0].more_threads = 3;
  stacks.groups[1].pids = {4};
  stacks.not_read = {"pid 3: x"};
  const auto decoded = Decode(Encode(stacks));
  ASSERT_TRUE(decoded);
  ASSERT_THAT(decoded->groups, SizeIs(2));
  EXPECT_EQ(decoded->groups[0].python, "3.11.2");
  EXPECT_EQ(decoded->groups[0].more_threads, 3U);
  EXPECT_THAT(decoded->groups[0].pids, ElementsAre(1, 2));
  EXPECT_EQ(decoded->groups[0].threads.at(0).at, "a.py:1 main");
  EXPECT_EQ(decoded->groups[0].threads.at(1).at, "");
  EXPECT_EQ(decoded->groups[0].threads.at(1).waits, "a mutex");
  EXPECT_EQ(decoded->groups[0].threads.at(1).place, "a.py f|b.py g||x");
  EXPECT_EQ(decoded->groups[1].python, "");
  EXPECT_THAT(decoded->not_read, ElementsAre("pid 3: x"));
}

TEST(Encode, FitsWhateverThereIs) {
  StackGrouper grouper;
  for (int pid = 1; pid <= 24; ++pid) {
    std::vector<ThreadStack> threads;
    for (size_t id = 0; id < kMostStacksOfGroup; ++id) {
      const std::string name = std::to_string(pid) + "." + std::to_string(id);
      threads.push_back(
          {"thread 1", name + std::string(kStackBytes - 10, 'x'), std::string(kWaitBytes, 'y')});
    }
    grouper.Add(pid, One(threads));
  }
  const std::string text = Encode(grouper.Take());
  EXPECT_LE(text.size(), kEncodedBytes);
  const auto decoded = Decode(text);
  ASSERT_TRUE(decoded);
  EXPECT_GT(decoded->groups.size(), 2U);
  EXPECT_THAT(decoded->not_read.at(0), HasSubstr(" processes are left out"));
}

TEST(Decode, TakesNothingThatIsNotWhole) {
  Stacks stacks;
  stacks.groups = {One({kMain})};
  stacks.groups[0].pids = {1};
  const std::string text = Encode(stacks);
  for (size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(Decode(text.substr(0, size)));
  EXPECT_FALSE(Decode("T\x1fmain\x1f\x1f\nE\n")) << "of no group";
  EXPECT_FALSE(
      Decode("G\x1f\x1f"
             "0\x1f-5\nE\n"));
  EXPECT_FALSE(Decode("X\nE\n"));
  EXPECT_FALSE(Decode(std::string(kEncodedBytes, 'x') + "E\n"));
  EXPECT_TRUE(Decode("E\n"));
}

}  // namespace
}  // namespace imagebatch::runner
