#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "runner/machine/machine_text.h"
#include "runner/machine/machine_words.h"

namespace imagebatch::runner {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Paths(std::string_view mountinfo) {
  std::vector<std::string> paths;
  for (const MountPoint& mount : WritableMounts(mountinfo)) paths.push_back(mount.type + " " + mount.path);
  return paths;
}

TEST(WritableMounts, AreThoseOfAContainerThatABuildCanFill) {
  // As a Pod's container has them; the kernel's own file systems left out
  EXPECT_THAT(Paths("1000 900 0:50 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/a:/b\n"
                    "1001 1000 0:60 / /proc rw,nosuid - proc proc rw\n"
                    "1002 1000 0:61 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k\n"
                    "1003 1000 8:1 /var/lib/kubelet/pods/u/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
                    "1004 1000 8:1 /var/lib/kubelet/pods/u/work /w rw shared:7 master:8 - ext4 /dev/sda1 rw\n"
                    "1005 1000 0:62 / /run/secrets ro,relatime - tmpfs tmpfs rw\n"
                    "1006 1000 7:1 / /sr rw - squashfs /dev/loop1 ro\n"
                    "1007 1000 0:63 / /net rw - nfs4 server:/x rw\n"
                    "1008 1000 8:2 / /ro rw - xfs /dev/sdb rw,ro\n"),
              testing::ElementsAre("overlay /", "tmpfs /dev", "ext4 /w"));
}

TEST(WritableMounts, APathIsReadAsItIs) {
  EXPECT_THAT(Paths("1 0 8:1 / /a\\040b\\134c rw - ext4 /dev/sda1 rw\n"),
              testing::ElementsAre("ext4 /a b\\c"));
  EXPECT_THAT(Paths("1 0 8:1 / /a\\9 rw - ext4 /dev/sda1 rw"), testing::ElementsAre("ext4 /a\\9"));
}

TEST(WritableMounts, AMountOverAnotherIsOne) {
  EXPECT_THAT(Paths("1 0 0:1 / /dev/shm rw - tmpfs a rw\n2 0 0:2 / /dev/shm rw - tmpfs b rw\n"),
              testing::ElementsAre("tmpfs /dev/shm"));
}

TEST(WritableMounts, ALineThatIsCutIsNone) {
  const std::string line = "36 35 98:0 /m1 /m2 rw,noatime master:1 - ext4 /dev/root rw,errors=continue";
  for (size_t size = 0; size < line.size(); ++size) WritableMounts(line.substr(0, size));
  EXPECT_THAT(WritableMounts("\n\n - \n"), IsEmpty());
  EXPECT_THAT(WritableMounts("36 35 98:0 /m1"), IsEmpty());
}

TEST(ParsePressure, ReadsTheLastMinute) {
  const auto pressure = ParsePressure(
      "some avg10=1.00 avg60=12.50 avg300=3.00 total=9\nfull avg10=0.00 avg60=7.25 avg300=0.00 total=5\n");
  ASSERT_TRUE(pressure);
  EXPECT_EQ(pressure->some, 12.5);
  EXPECT_EQ(pressure->full, 7.25);
  EXPECT_EQ(ParsePressure("some avg10=0.00 avg60=2.00 avg300=0.00 total=0\n")->full, 0)
      << "before Linux 5.13";
  EXPECT_FALSE(ParsePressure(""));
  EXPECT_FALSE(ParsePressure("some avg60=x\n"));
}

constexpr uint64_t kMiB = 1024 * 1024;

Machine WithSpace(uint64_t size, uint64_t free) {
  Machine machine;
  machine.file_systems = {{"/work", "ext4", size, free, 1000, 500}};
  return machine;
}

TEST(WhatExplains, AFullFileSystem) {
  EXPECT_EQ(WhatExplains(WithSpace(1024 * kMiB, 0)),
            "the file system at /work is full (0 MiB of 1024 MiB free)");
  EXPECT_EQ(WhatExplains(WithSpace(100 * 1024 * kMiB, 17 * kMiB)), "");
  EXPECT_THAT(WhatExplains(WithSpace(100 * 1024 * kMiB, 15 * kMiB)), HasSubstr("15 MiB of 102400 MiB free"));
  EXPECT_EQ(WhatExplains(WithSpace(64 * kMiB, kMiB)), "") << "a small one";
  Machine machine = WithSpace(1024 * kMiB, 1024 * kMiB);
  machine.file_systems[0].free_inodes = 0;
  EXPECT_EQ(WhatExplains(machine), "the file system at /work has no inodes left (of 1000)");
  machine.file_systems[0].inodes = 0;
  EXPECT_EQ(WhatExplains(machine), "") << "btrfs has no fixed number";
}

TEST(WhatExplains, AContainerThatLacksSomething) {
  Machine machine;
  EXPECT_EQ(WhatExplains(machine), "");
  machine.counts.out_of_memory_kills = 0;
  machine.memory = {90, 49};
  machine.io = {90, 79};
  machine.counts.periods = 1000;
  machine.counts.throttled_periods = 899;
  EXPECT_EQ(WhatExplains(machine), "");
  machine.counts.throttled_periods = 905;
  EXPECT_EQ(WhatExplains(machine), "the container's CPU limit held it back in 90 % of the time");
  machine.io->full = 80;
  EXPECT_EQ(WhatExplains(machine), "the machine's processes waited for the disk in 80 % of the last minute");
  machine.of_container = true;
  machine.memory->full = 66.6;
  EXPECT_EQ(WhatExplains(machine), "the container's processes waited for memory in 66 % of the last minute");
  machine.counts.out_of_memory_kills = 1;
  EXPECT_EQ(WhatExplains(machine), "the kernel has killed 1 process of the container for lack of memory");
}

TEST(WhatExplains, IsBounded) {
  Machine machine = WithSpace(uint64_t{1} << 60, 0);
  machine.file_systems[0].path = std::string(4000, 'p');
  EXPECT_LE(WhatExplains(machine).size(), 200U);
}

}  // namespace
}  // namespace imagebatch::runner
