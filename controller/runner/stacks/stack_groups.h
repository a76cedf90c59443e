#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "runner/stacks/stacks.h"

namespace imagebatch::runner {

/// Puts together what reads the same: processes with equal stacks, and threads of one process.
class StackGrouper {
 public:
  /// `one` is of one process, each of its threads for itself. Without threads it is left out, unless it is a
  /// Python's.
  void Add(pid_t pid, StackGroup one);
  void AddNotRead(pid_t pid, const std::string& why);

  /// What has been added, within the limits of stacks.h.
  Stacks Take();

 private:
  std::vector<StackGroup> groups_;
  std::map<std::string, std::vector<pid_t>> not_read_;  // by reason
};

/// Stacks as text and back, at most kEncodedBytes: groups that do not fit are left out, which is said.
inline constexpr size_t kEncodedBytes = size_t{64} << 10;
std::string Encode(const Stacks& stacks);
/// Nothing where it is not whole. The text may come from a child that has been misled: what is longer than
/// the limits of stacks.h is cut.
std::optional<Stacks> Decode(std::string_view text);

}  // namespace imagebatch::runner
