// What the kernel's texts say of waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/proc/thread_status.h"
#include "runner/waits/file_locks.h"
#include "runner/waits/polled.h"
#include "runner/waits/shared_memory.h"
#include "runner/waits/wait_call.h"

namespace imagebatch::runner {
namespace {

using Kind = UntimedCall::Kind;
using ::testing::IsEmpty;

TEST(SystemCall, IsReadFromARealLine) {
  const auto call =
      ParseSystemCall("202 0x7f3231db4000 0x189 0x0 0x0 0x0 0xffffffff 0x7ffdcfb71cb8 0x7f3231f2f2ad\n");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->number, 202);
  EXPECT_EQ(call->arguments[0], 0x7f3231db4000U);
  EXPECT_EQ(call->arguments[1], 0x189U);
  EXPECT_EQ(call->arguments[5], 0xffffffffU);
}

TEST(SystemCall, NothingElseIsOne) {
  for (const char* text : {"", "running\n", "-1 0x7ffdcfb71cb8 0x7f3231f2f2ad\n", "202 0x1 0x2\n",
                           "202 1 0x189 0x0 0x0 0x0 0x0 0x7ffdcfb71cb8 0x7f3231f2f2ad\n",
                           // A 32-bit program: 240 would be its futex, and 72 its sigsuspend.
                           "72 0x3 0x7 0x0 0x0 0x0 0x0 0xffb71cb8 0xf7f2f2ad\n"}) {
    EXPECT_FALSE(ParseSystemCall(text)) << text;
  }
}

std::optional<Kind> KindOf(const CallNumbers& numbers, long number, std::array<uint64_t, 6> arguments) {
  const auto call = DecodeUntimed({number, arguments}, numbers);
  if (!call) return std::nullopt;
  return call->kind;
}

constexpr uint64_t kMinusOne = 0xFFFF'FFFF;  // as an int in a register

class Numbers : public ::testing::TestWithParam<const CallNumbers*> {};

TEST_P(Numbers, WaitsWithoutATimeLimitAreKnown) {
  const CallNumbers& n = *GetParam();
  const uint64_t at = 0x7f0000000000;
  for (uint64_t operation : {0x0U, 0x80U, 0x189U, 0x109U, 0x86U, 0x8DU, 0x8BU}) {
    EXPECT_EQ(KindOf(n, n.futex, {at, operation, 2, 0, 0, 0}), Kind::Futex) << operation;
    EXPECT_EQ(KindOf(n, n.futex, {at, operation, 2, at, 0, 0}), std::nullopt) << "with a time limit";
  }
  EXPECT_EQ(KindOf(n, n.futex, {at, 0x81, 2, 0, 0, 0}), std::nullopt) << "FUTEX_WAKE";
  EXPECT_EQ(KindOf(n, n.futex, {at, 0x0B, 2, 0, 0, 0}), std::nullopt) << "a public word to go on to";
  EXPECT_EQ(KindOf(n, n.wait4, {}), Kind::Children);
  EXPECT_EQ(KindOf(n, n.waitid, {}), Kind::Children);
  EXPECT_EQ(KindOf(n, n.clone, {0x4100}), Kind::ForkedChild);
  EXPECT_EQ(KindOf(n, n.clone, {0x0100}), std::nullopt);
  EXPECT_EQ(KindOf(n, n.read, {3}), Kind::Read);
  EXPECT_EQ(KindOf(n, n.readv, {3}), Kind::Read);
  EXPECT_EQ(KindOf(n, n.write, {3}), Kind::Write);
  EXPECT_EQ(KindOf(n, n.writev, {3}), Kind::Write);
  EXPECT_EQ(KindOf(n, n.ppoll, {at, 1, 0}), Kind::Poll);
  EXPECT_EQ(KindOf(n, n.ppoll, {at, 1, at}), std::nullopt);
  EXPECT_EQ(KindOf(n, n.pselect6, {4, at, 0, 0, 0}), Kind::Select);
  EXPECT_EQ(KindOf(n, n.pselect6, {4, at, 0, 0, at}), std::nullopt);
  EXPECT_EQ(KindOf(n, n.epoll_pwait, {5, at, 1, kMinusOne}), Kind::Epoll);
  EXPECT_EQ(KindOf(n, n.epoll_pwait, {5, at, 1, 0}), std::nullopt);
  EXPECT_EQ(KindOf(n, n.epoll_pwait2, {5, at, 1, 0}), Kind::Epoll);
  EXPECT_EQ(KindOf(n, n.epoll_pwait2, {5, at, 1, at}), std::nullopt);
  EXPECT_EQ(KindOf(n, n.flock, {3, 2}), Kind::FileLock);
  EXPECT_EQ(KindOf(n, n.flock, {3, 2 | 4}), std::nullopt) << "LOCK_NB";
  EXPECT_EQ(KindOf(n, n.fcntl, {3, 7}), Kind::FileLock);
  EXPECT_EQ(KindOf(n, n.fcntl, {3, 38}), Kind::FileLock);
  EXPECT_EQ(KindOf(n, n.fcntl, {3, 6}), std::nullopt) << "F_SETLK";
  EXPECT_EQ(KindOf(n, 100'000, {}), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Runner, Numbers, ::testing::Values(&kX86_64Calls, &kArm64Calls),
                         [](const auto& one) { return one.param == &kX86_64Calls ? "x86_64" : "arm64"; });

TEST(OlderCalls, HaveTheirNumbersOnX86Alone) {
  EXPECT_EQ(KindOf(kX86_64Calls, 7, {1, 1, kMinusOne}), Kind::Poll);
  EXPECT_EQ(KindOf(kX86_64Calls, 7, {1, 1, 100}), std::nullopt);
  EXPECT_EQ(KindOf(kX86_64Calls, 23, {4, 1, 0, 0, 0}), Kind::Select);
  EXPECT_EQ(KindOf(kX86_64Calls, 232, {5, 1, 1, kMinusOne}), Kind::Epoll);
  EXPECT_EQ(KindOf(kX86_64Calls, 58, {}), Kind::ForkedChild);
  for (long number : {7, 23, 232, 58, 61, 202}) {
    EXPECT_EQ(KindOf(kArm64Calls, number, {}), std::nullopt) << number;
  }
}

TEST_P(Numbers, ALimitCanBeTakenOff) {
  const CallNumbers& n = *GetParam();
  const uint64_t at = 0x7f0000000000;
  const auto taken = [&n](long number, std::array<uint64_t, 6> arguments) {
    return TakeLimit({number, arguments}, n);
  };
  EXPECT_TRUE(taken(n.futex, {at, 0x80, 2, at}).timed);
  EXPECT_FALSE(taken(n.futex, {at, 0x80, 2, 0}).timed);
  EXPECT_TRUE(taken(n.ppoll, {at, 1, at}).timed);
  EXPECT_TRUE(taken(n.rt_sigtimedwait, {at, 0, at, 8}).timed);
  EXPECT_FALSE(taken(n.rt_sigtimedwait, {at, 0, 0, 8}).timed);
  EXPECT_TRUE(taken(n.pselect6, {4, at, 0, 0, at}).timed);
  EXPECT_EQ(taken(n.epoll_pwait, {5, at, 1, 300}).limit, std::chrono::milliseconds(300));
  EXPECT_FALSE(taken(n.epoll_pwait, {5, at, 1, kMinusOne}).timed);
  EXPECT_FALSE(taken(n.read, {3, at, 7, 9}).timed);
  for (const auto& [number, kind] : {std::pair{n.futex, Kind::Futex}, std::pair{n.ppoll, Kind::Poll},
                                     std::pair{n.epoll_pwait, Kind::Epoll}}) {
    const auto call = DecodeUntimed(taken(number, {5, 0x80, at, at}).without_limit, n);
    EXPECT_TRUE(!call || call->kind == kind);
  }
  EXPECT_TRUE(DecodeUntimed(taken(n.epoll_pwait, {5, at, 1, 300}).without_limit, n));
  EXPECT_TRUE(DecodeUntimed(taken(n.futex, {at, 0x80, 2, at}).without_limit, n));
}

TEST_P(Numbers, TheChildThatIsMeantIsKnown) {
  const CallNumbers& n = *GetParam();
  EXPECT_EQ(DecodeUntimed({n.wait4, {41}}, n)->child, 41);
  EXPECT_EQ(DecodeUntimed({n.wait4, {kMinusOne}}, n)->child, -1);
  EXPECT_EQ(DecodeUntimed({n.wait4, {0xFFFF'FF00}}, n)->child, -1) << "a process group";
  EXPECT_EQ(DecodeUntimed({n.waitid, {0, 41}}, n)->child, -1) << "P_ALL";
  EXPECT_EQ(DecodeUntimed({n.waitid, {1, 41}}, n)->child, 41) << "P_PID";
  EXPECT_EQ(DecodeUntimed({n.waitid, {3, 5}}, n)->child_descriptor, 5) << "P_PIDFD";
}

TEST(ThreadStatus, IsReadFromARealText) {
  const auto status = ParseThreadStatus(
      "Name:\tpython3\nUmask:\t0022\nState:\tS "
      "(sleeping)\nTgid:\t41\nTracerPid:\t0\nSigBlk:\t0000000000010000\nSigIgn:\t0000000001001004\n"
      "SigCgt:\t0000000000000002\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t3\n");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->state, 'S');
  EXPECT_FALSE(status->traced);
  EXPECT_TRUE(Catches(*status, 2));
  EXPECT_FALSE(Catches(*status, 1));
  EXPECT_TRUE(Ignores(*status, 3));
  EXPECT_FALSE(Ignores(*status, 2));
  EXPECT_TRUE(Blocks(*status, 17));
  EXPECT_FALSE(Blocks(*status, 13));
  EXPECT_EQ(status->switches, 8U);
}

TEST(ThreadStatus, CutShortIsNone) {
  EXPECT_FALSE(ParseThreadStatus(""));
  EXPECT_FALSE(ParseThreadStatus(
      "State:\tS\nTracerPid:\t0\nSigBlk:\t0\nSigIgn:\t0\nSigCgt:\t0\nvoluntary_ctxt_switches:\t5\n"));
}

constexpr const char* kLocks =
    "1: FLOCK  ADVISORY  WRITE 50 fe:00:1001 0 EOF\n"
    "2: POSIX  ADVISORY  WRITE 51 fe:00:1002 0 EOF\n"
    "2: -> POSIX  ADVISORY  WRITE 52 fe:00:1002 0 EOF\n"
    "3: FLOCK  ADVISORY  WRITE 52 fe:00:1003 0 EOF\n"
    "3: -> FLOCK  ADVISORY  WRITE 51 fe:00:1003 0 EOF\n"
    "3:  -> FLOCK  ADVISORY  WRITE 53 fe:00:1003 0 EOF\n"
    "4: OFDLCK ADVISORY  WRITE -1 fe:00:1004 0 EOF\n"
    "4: -> OFDLCK ADVISORY  WRITE -1 fe:00:1004 0 EOF\n";

TEST(FileLocks, WhoeverHoldsWhatIsWaitedForIsNamed) {
  const auto record = LocksWaitedFor(kLocks, 52, 1002);
  ASSERT_EQ(record.size(), 1U);
  EXPECT_EQ(record[0].process, 51);
  const auto whole = LocksWaitedFor(kLocks, 53, 1003);
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_EQ(whole[0].process, 0) << "the lock of an open file, whoever has it";
  EXPECT_EQ(whole[0].file, "fe:00:1003");
  EXPECT_EQ(LocksWaitedFor(kLocks, 99, 1004).size(), 1U) << "no process is named there";
}

TEST(FileLocks, OthersAreNot) {
  EXPECT_THAT(LocksWaitedFor(kLocks, 50, 1001), IsEmpty()) << "held, not waited for";
  EXPECT_THAT(LocksWaitedFor(kLocks, 51, 1002), IsEmpty());
  EXPECT_THAT(LocksWaitedFor(kLocks, 52, 1003), IsEmpty());
  EXPECT_THAT(LocksWaitedFor(kLocks, 52, 2), IsEmpty()) << "another file whose number ends so";
  EXPECT_THAT(LocksWaitedFor("", 52, 1002), IsEmpty());
}

constexpr const char* kMaps =
    "55d0-55d4 r--p 00000000 fe:00 1310 /usr/bin/x\n"
    "7f10-7f20 rw-s 00000000 00:17 4567                       /dev/shm/sem.abc (deleted)\n"
    "7f20-7f30 rw-s 00000000 00:01 77                         /SYSV00000000 (deleted)\n"
    "7f30-7f40 rw-s 00000000 00:17 4568                       /dev/shm/named\n"
    "7f40-7f50 rw-p 00000000 00:00 0 \n";

TEST(Mappings, AreFoundByAddress) {
  const auto semaphore = MappingAt(kMaps, 0x7f1f);
  ASSERT_TRUE(semaphore);
  EXPECT_TRUE(semaphore->shared);
  EXPECT_EQ(semaphore->inode, 4567U);
  EXPECT_TRUE(IsNameless(*semaphore));
  EXPECT_FALSE(IsNameless(*MappingAt(kMaps, 0x7f20))) << "others can attach it";
  EXPECT_FALSE(IsNameless(*MappingAt(kMaps, 0x7f30)));
  const auto anonymous = MappingAt(kMaps, 0x7f40);
  ASSERT_TRUE(anonymous);
  EXPECT_TRUE(anonymous->writable);
  EXPECT_FALSE(anonymous->shared);
  EXPECT_FALSE(MappingAt(kMaps, 0x55d0)->writable);
  EXPECT_FALSE(MappingAt(kMaps, 0x7f50));
  EXPECT_FALSE(MappingAt("nonsense\n\n", 0));
}

TEST(Epoll, ItsTargetsAreRead) {
  const auto targets = ParseEpollInfo(
      "pos:\t0\nflags:\t02\ntfd:        5 events:       19 data:                5  pos:0 ino:2b sdev:e\n"
      "tfd:       12 events: 8000001d data: ffff0000000000ff  pos:0 ino:1f4 sdev:e\n");
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0].descriptor, 5);
  EXPECT_EQ(targets[0].inode, 0x2bU);
  EXPECT_EQ(targets[1].descriptor, 12);
  EXPECT_EQ(targets[1].inode, 0x1f4U);
  EXPECT_THAT(ParseEpollInfo("pos:\t0\n"), IsEmpty());
}

}  // namespace
}  // namespace imagebatch::runner
