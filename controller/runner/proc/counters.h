#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

#include "runner/proc/files.h"

namespace imagebatch::runner {

/// The CPU time of this process so far.
std::chrono::steady_clock::duration OwnCpu();

/// The CPU time of the container's cgroup (v1 or v2): it also sees children that came and went between two
/// samples and were never waited for. Only where the cgroup is the build's alone.
class CgroupCpu {
 public:
  /// To be made before the command is started: the cgroup is ours if it then holds this process and no other,
  /// and has used next to no CPU. (v1 does not list members of other PID namespaces, so the list alone proves
  /// nothing.)
  CgroupCpu();

  /// Seconds since the cgroup was made, this process's own share taken off; absent where it cannot be had.
  std::optional<double> Seconds() const;

 private:
  Descriptor counter_;
  bool unified_ = false;  // v2: microseconds in cpu.stat; v1: nanoseconds in cpuacct.usage
};

/// Bytes on their way to the disk that are news there: by io_uring, splice and the like, which no figure of
/// system calls shows. Left out is what is written through a mapping. The kernel counts a page of it anew
/// whenever it is dirtied after it went to the disk, and while the disk is busy that is at once: a JVM that
/// does nothing but tick in its hsperfdata makes 20 kB/s. Each time costs a page fault, which no other way to
/// write does; and who writes something new through a mapping computes, reads or receives it.
class FreshPages {
 public:
  /// Counters of the tree at the next sample, neither reset; one that falls counts as no change. The sum so
  /// far.
  uint64_t Add(uint64_t dirtied_bytes, uint64_t page_faults);

 private:
  uint64_t dirtied_ = 0, faults_ = 0, sum_ = 0;
};

/// The bytes that the container sends through its network interfaces, loopback aside. Only in a container:
/// outside, the interfaces carry the traffic of the whole machine and say nothing of the build.
class NetworkBytes {
 public:
  NetworkBytes();

  /// Headers included; absent where it cannot be had.
  std::optional<uint64_t> Total() const;

 private:
  bool in_container_;
};

}  // namespace imagebatch::runner
