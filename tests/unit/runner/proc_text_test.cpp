#include "runner/proc/proc_text.h"

#include <gtest/gtest.h>

namespace imagebatch::runner {
namespace {

TEST(ParseStat, ReadsARealLine) {
  const auto stat = ParseStat(
      "14350 (python3) S 14349 14350 14349 0 -1 4194304 3022 1810 0 0 7 2 31 4 20 0 3 0 371234 1234567 3300 "
      "18446744073709551615 1 1 0 0 0 0 0 16781312 2 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 14350);
  EXPECT_EQ(stat->parent, 14349);
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->own_ticks, 9U);
  EXPECT_EQ(stat->reaped_ticks, 35U);
  EXPECT_EQ(stat->threads, 3U);
  EXPECT_EQ(stat->start_ticks, 371234U);
  EXPECT_EQ(stat->virtual_bytes, 1234567U);
  EXPECT_EQ(stat->resident_pages, 3300U);
  EXPECT_EQ(stat->stack_start, 0U) << "as it is for a process that we may not look at";
}

TEST(ParseStat, ANameMayHoldAnything) {
  const auto stat =
      ParseStat("7 (a) R 1 (\n) Z 3 7 7 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 5 0 0 18446744073709551615 1 1 0");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->state, 'Z');
  EXPECT_EQ(stat->parent, 3);
}

TEST(ParseStat, RefusesWhatIsCutShort) {
  for (const char* text : {"", "7", "7 (sh", "7 (sh)", "7 (sh) S", "7 (sh) S 1 2 3 4", "x (sh) S 1 2 3"}) {
    EXPECT_FALSE(ParseStat(text)) << text;
  }
}

TEST(ParseIo, SumsWhatMoves) {
  const auto io = ParseIo(
      "rchar: 100\nwchar: 20\nsyscr: 7\nsyscw: 7\nread_bytes: 3\nwrite_bytes: 4\ncancelled_write_bytes: 9\n");
  ASSERT_TRUE(io);
  EXPECT_EQ(io->read, 103U);
  EXPECT_EQ(io->written, 20U);
  EXPECT_EQ(io->dirtied, 4U);
  EXPECT_FALSE(ParseIo(""));
}

TEST(ParseNetDev, SumsWhatAllButLoopbackSend) {
  EXPECT_EQ(ParseNetDev(
                "Inter-|   Receive                            |  Transmit\n"
                " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
                "    lo:    3293      31    0    0    0     0          0         0     3293      31    0\n"
                "  eth0: 260090560    9998    0    0    0     0          0         0   664055    6839    0\n"
                "  eth1:10 1 0 0 0 0 0 0 5 1 0\n"),
            664055U + 5U);
  EXPECT_EQ(ParseNetDev(""), 0U);
}

constexpr const char* kContainerV1 =
    "612 611 0:30 /kubepods/pod7/abc /sys/fs/cgroup/cpu,cpuacct ro,nosuid - cgroup cgroup rw,cpu,cpuacct\n"
    "613 611 0:31 /kubepods/pod7/abc /sys/fs/cgroup/memory ro,nosuid master:9 - cgroup cgroup rw,memory\n";

TEST(CgroupDirectory, FindsAV1ContainersOwnPart) {
  const char* cgroup = "5:memory:/kubepods/pod7/abc\n2:cpu,cpuacct:/kubepods/pod7/abc\n";
  EXPECT_EQ(CgroupDirectory(kContainerV1, cgroup, "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(CgroupDirectory(kContainerV1, "2:cpu,cpuacct:/kubepods/pod7/abc/sub\n", "cpuacct"),
            "/sys/fs/cgroup/cpu,cpuacct/sub");
  EXPECT_EQ(CgroupDirectory(kContainerV1, "2:cpu,cpuacct:/kubepods/pod7/abcd\n", "cpuacct"), "");
  EXPECT_EQ(CgroupDirectory(kContainerV1, cgroup, ""), "");
}

TEST(CgroupDirectory, FindsV2) {
  const char* mounts = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
  EXPECT_EQ(CgroupDirectory(mounts, "0::/user.slice/session-1.scope\n", ""),
            "/sys/fs/cgroup/user.slice/session-1.scope");
  EXPECT_EQ(CgroupDirectory(mounts, "0::/\n", ""), "/sys/fs/cgroup/");
  EXPECT_EQ(CgroupDirectory(mounts, "0::/\n", "cpuacct"), "");
  EXPECT_EQ(CgroupDirectory("", "", ""), "");
}

TEST(ValueOf, TakesTheWholeKey) {
  EXPECT_EQ(ValueOf("usage_usec_x 1\nusage_usec 42\nuser_usec 3\n", "usage_usec"), 42U);
  EXPECT_FALSE(ValueOf("user_usec 3\n", "usage_usec"));
}

}  // namespace
}  // namespace imagebatch::runner
