#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runner/proc/proc_text.h"

namespace imagebatch::runner {

/// The established TCP connections of the machine at one moment, those of loopback included. Their table is
/// read when a process is first asked for that holds a socket which may be one: the kernel walks through as
/// many places as the machine's memory allows connections, some milliseconds where there are none at all.
class Connections {
 public:
  /// How many the processes hold, those left out whose descriptors are not for us to see; absent where that
  /// is so of all of them, or the kernel does not show connections. Reads every descriptor: not for samples.
  std::optional<size_t> HeldBy(const std::vector<ProcessStat>& processes);

 private:
  std::optional<std::vector<uint64_t>> local_;        // inodes of Unix sockets
  std::optional<std::vector<uint64_t>> established_;  // inodes
};

}  // namespace imagebatch::runner
