#pragma once
#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "runner/proc/proc_text.h"

namespace imagebatch::runner {

struct OwnedSocket {
  uint64_t inode = 0;
  pid_t pid = 0;
  int descriptor = -1;
};

/// Which sockets the processes of a tree hold.
struct SocketOwners {
  static constexpr size_t kSockets = 16384;

  std::vector<OwnedSocket> sockets;  // in ascending order of inode
  bool complete = true;              // the descriptors of all of them could be read
  /// A process of each network namespace other than ours: it was made below the build, and is the build's.
  std::vector<pid_t> namespaces;

  bool Has(uint64_t inode) const;
  /// Those who hold it.
  std::vector<OwnedSocket> Of(uint64_t inode) const;
};

/// Reads every descriptor: to be asked only when there are sockets that nobody has looked for yet.
SocketOwners ReadSocketOwners(const std::vector<ProcessStat>& tree);

}  // namespace imagebatch::runner
