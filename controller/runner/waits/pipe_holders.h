#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runner/proc/descriptors.h"

namespace imagebatch::runner {

/// One end of an anonymous pipe.
struct PipeEnd {
  uint64_t inode = 0;
  bool reads = false;
  bool writes = false;
};

/// The pipe behind descriptor `number` in `directory`, a /proc/PID/fd/; nothing where it is something else.
std::optional<PipeEnd> PipeEndAt(const std::string& directory, const char* number);

/// Which processes hold which ends of which pipes, at one moment.
class PipeHolders {
 public:
  explicit PipeHolders(const Scope& scope);

  /// Those that could put something into the pipe, or end it by letting go. Empty: nobody that we can see.
  std::vector<int> Writers(uint64_t inode) const { return Holders(writers_, inode); }
  /// Those that could make room in it, or end it.
  std::vector<int> Readers(uint64_t inode) const { return Holders(readers_, inode); }
  /// The process has work done for it by the kernel (io_uring), which can wake it by all means.
  bool UsesIoUring(int pid) const;

 private:
  using Table = std::map<uint64_t, std::vector<int>>;
  std::vector<int> Holders(const Table& table, uint64_t inode) const;

  Table writers_;
  Table readers_;
  std::vector<int> io_uring_;
  std::vector<int> unreadable_;  // they may hold any
};

}  // namespace imagebatch::runner
