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
