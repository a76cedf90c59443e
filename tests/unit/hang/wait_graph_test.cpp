#include "hang/wait_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hang/wait_words.h"

namespace imagebatch::hang {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int kOutside = 1;

Wait On(WaitFor what, std::vector<int> wakers, std::string object = "") {
  return {what, std::move(wakers), std::move(object)};
}

WaitingProcess Process(int pid, std::vector<Wait> waits) { return {.pid = pid, .waits = std::move(waits)}; }

WaitingProcess Locked(int pid) { return Process(pid, {On(WaitFor::OwnLock, {pid})}); }

std::vector<int> Dead(std::vector<WaitingProcess> processes) {
  std::vector<int> pids;
  for (const WaitingProcess& process : DeadPart(std::move(processes))) pids.push_back(process.pid);
  return pids;
}

TEST(DeadPart, NothingIsNothing) { EXPECT_THAT(Dead({}), IsEmpty()); }

TEST(DeadPart, AThreadThatWaitsForItsOwnProcess) { EXPECT_THAT(Dead({Locked(7)}), ElementsAre(7)); }

TEST(DeadPart, EveryKindOfWaitCanBePartOfIt) {
  for (WaitFor what : {WaitFor::OwnLock, WaitFor::SharedLock, WaitFor::Children, WaitFor::PipeData,
                       WaitFor::PipeRoom, WaitFor::PipeEvents, WaitFor::FileLock}) {
    EXPECT_THAT(Dead({Process(7, {On(what, {8})}), Process(8, {On(what, {7})})}), ElementsAre(7, 8));
  }
}

TEST(DeadPart, OneThreadThatMayGoOnKeepsItsProcessAlive) {
  const Wait lock = On(WaitFor::OwnLock, {7});
  EXPECT_THAT(Dead({Process(7, {lock, lock, On(WaitFor::Anything, {})})}), IsEmpty());
  EXPECT_THAT(Dead({Process(7, {lock, lock, lock})}), ElementsAre(7));
}

TEST(DeadPart, AProcessThatDoesNotWaitIsAlive) { EXPECT_THAT(Dead({Process(7, {})}), IsEmpty()); }

TEST(DeadPart, AnUnknownWakerKeepsAlive) {
  EXPECT_THAT(Dead({Process(7, {On(WaitFor::PipeData, {7, kOutside})})}), IsEmpty());
}

TEST(DeadPart, WhoWaitsForTheLivingIsAlive) {
  // 5 waits for 6, 6 for 7, and 7 for time.
  EXPECT_THAT(Dead({Process(5, {On(WaitFor::Children, {6})}), Process(6, {On(WaitFor::Children, {7})}),
                    Process(7, {On(WaitFor::Anything, {})})}),
              IsEmpty());
}

TEST(DeadPart, OneOfSeveralWakersIsEnough) {
  EXPECT_THAT(
      Dead({Process(5, {On(WaitFor::Children, {6, 7})}), Locked(6), Process(7, {On(WaitFor::Anything, {})})}),
      ElementsAre(6));
}

TEST(DeadPart, IsFoundBelowAProcessThatLives) {
  EXPECT_THAT(Dead({Process(5, {On(WaitFor::Anything, {}), On(WaitFor::Children, {6})}),
                    Process(6, {On(WaitFor::Children, {7})}), Locked(7)}),
              ElementsAre(6, 7));
}

TEST(DeadPart, TwoOfThemAreOneSet) {
  EXPECT_THAT(
      Dead({Locked(5), Process(6, {On(WaitFor::FileLock, {7})}), Process(7, {On(WaitFor::FileLock, {6})})}),
      ElementsAre(5, 6, 7));
}

TEST(DeadPart, AHandledSignalFromTheLivingCouldWake) {
  WaitingProcess handles = Locked(6);
  handles.signallers = {5, 6};
  EXPECT_THAT(Dead({Process(5, {On(WaitFor::Anything, {})}), handles}), IsEmpty());
  EXPECT_THAT(Dead({Locked(5), handles}), ElementsAre(5, 6));
}

std::vector<std::string> Words(const std::vector<WaitingProcess>& dead) {
  return Sentences(dead, [](int) { return std::string("/usr/bin/make all"); });
}

TEST(Sentences, SayWhoWaitsForWhat) {
  EXPECT_THAT(
      Words({Process(5, {On(WaitFor::OwnLock, {5}), On(WaitFor::PipeEvents, {5, 6, 7}, "pipes [1], [2]"),
                         On(WaitFor::OwnLock, {5})}),
             Process(6, {On(WaitFor::Children, {7})}), Process(7, {On(WaitFor::FileLock, {5}, "/a lock")}),
             Process(8, {On(WaitFor::PipeRoom, {8}, "pipe [3]"), On(WaitFor::PipeRoom, {8}, "pipe [3]")})}),
      ElementsAre("pid 5 make all: of its 3 threads 2 wait for a lock (futex) of its own process, where "
                  "nobody is awake; 1 waits for the other end of pipes [1], [2], held by pids 6, 7, which "
                  "wait too",
                  "pid 6 make all: its only thread waits for the end of a child, pid 7, which waits too",
                  "pid 7 make all: its only thread waits for a lock on /a lock, held by pid 5, which waits "
                  "too",
                  "pid 8 make all: all 2 threads wait for room in pipe [3], its other end held by this "
                  "process alone"));
}

TEST(Sentences, AreBounded) {
  std::vector<WaitingProcess> dead;
  for (int pid = 1000; pid < 1100; ++pid) {
    Wait wait = On(WaitFor::FileLock, {}, std::string(5000, 'x'));
    for (int waker = 1000; waker < 1100; ++waker) wait.wakers.push_back(waker);
    dead.push_back(Process(pid, {wait}));
  }
  const auto sentences = Sentences(dead, [](int) { return std::string(5000, 'y'); });
  EXPECT_THAT(sentences, SizeIs(kMostSentences));
  for (const std::string& sentence : sentences) EXPECT_LE(sentence.size(), kSentenceBytes);
  EXPECT_THAT(sentences.front(), HasSubstr("held by pids 1001, 1002, "));
}

TEST(Chain, FollowsWhoWaitsForWhom) {
  EXPECT_EQ(Chain({Locked(5)}), "pid 5 waits for a lock only it could release");
  EXPECT_EQ(Chain({Process(5, {On(WaitFor::OwnLock, {5, 6})}), Locked(6)}),
            "pid 5 waits for a lock only it could release");
  EXPECT_EQ(Chain({Process(5, {On(WaitFor::Children, {6})}), Locked(6)}),
            "pid 5 waits for pid 6, which waits for a lock only it could release");
  EXPECT_EQ(Chain({Process(5, {On(WaitFor::FileLock, {6})}), Process(6, {On(WaitFor::FileLock, {5})})}),
            "pid 5 waits for pid 6, which waits for pid 5");
  EXPECT_EQ(Chain({Process(5, {On(WaitFor::PipeRoom, {5})})}), "pid 5 waits for a pipe only it holds");
}

}  // namespace
}  // namespace imagebatch::hang
