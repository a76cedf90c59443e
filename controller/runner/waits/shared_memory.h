#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/proc/descriptors.h"

namespace imagebatch::runner {

/// One line of /proc/PID/maps (proc(5)).
struct Mapping {
  uint64_t begin = 0;
  uint64_t end = 0;
  bool writable = false;
  bool shared = false;
  uint64_t inode = 0;
  std::string_view path;
};

std::optional<Mapping> ParseMapping(std::string_view line);

/// The mapping that holds `address`; nothing where there is none in `maps`.
std::optional<Mapping> MappingAt(std::string_view maps, uint64_t address);

/// Memory that has no name any more, so that only those who have it can share it: an unlinked file, a
/// semaphore or a memfd, but no System V segment, which others can attach by its number.
bool IsNameless(const Mapping& mapping);

/// Which processes have which nameless memory, mapped or open.
class SharedMemory {
 public:
  explicit SharedMemory(const Scope& scope);

  /// By the memory's inode.
  std::vector<int> Users(uint64_t inode) const;

 private:
  std::map<uint64_t, std::vector<int>> users_;
  std::vector<int> unreadable_;  // they may have any
};

/// The text of /proc/PID/maps; empty where it cannot be read, or is larger than we read.
std::string ReadMaps(pid_t pid);

}  // namespace imagebatch::runner
