#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runner/machine/machine_text.h"

namespace imagebatch::runner {

struct FileSystem {
  std::string path, type;
  uint64_t size_bytes = 0;
  uint64_t free_bytes = 0;  // for whoever is not root
  uint64_t inodes = 0;      // 0: it has no fixed number
  uint64_t free_inodes = 0;
};

/// What the kernel counts for the container's cgroup (v1 or v2), from the cgroup's beginning on.
struct CgroupCounts {
  // Of the CPU limit; a period is mostly 100 ms.
  std::optional<uint64_t> periods, throttled_periods;
  std::optional<uint64_t> out_of_memory_kills;
};

CgroupCounts ReadCgroupCounts();

/// What there was for the build at one moment; each figure is absent where it cannot be read.
struct Machine {
  std::vector<FileSystem> file_systems;  // those that can be written, the fullest first
  bool of_container = false;             // whether the pressures are the container's own (cgroup v2)
  std::optional<Pressure> cpu, memory, io;
  CgroupCounts counts;  // since `before` (see below)
};

/// Reads it anew; the cgroup's counts are told from `before` on, for a cgroup may be older than the build. It
/// never waits for a file system over the network.
Machine ReadMachine(const CgroupCounts& before);

}  // namespace imagebatch::runner
