#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/proc/process_tree.h"

namespace imagebatch::runner {

/// Among whom a reading looks for those who hold something.
struct Scope {
  const std::vector<ProcessStat>& tree;  // in ascending order of pid
  std::vector<pid_t> processes;          // whom it looks at
};

/// The tree and the runner itself, who gave it what it has. All that matters, unless somebody in the tree has
/// handed a descriptor to a stranger.
Scope TreeAndRunner(const std::vector<ProcessStat>& tree);
/// All processes that can be seen, in the tree, above it and beside it.
Scope Everybody(const std::vector<ProcessStat>& tree);

/// Calls `look` with the number and the target ("pipe:[123]", a path) of each descriptor of a process. False
/// where they cannot be read, or not all of them.
bool ForEachDescriptor(pid_t pid,
                       const std::function<void(const char* number, std::string_view target)>& look);

/// Looks at the descriptors of all processes of `scope`. The result names those of the tree, and the runner,
/// whose descriptors cannot be read: they may hold anything.
std::vector<pid_t> ForAllDescriptors(
    const Scope& scope,
    const std::function<void(pid_t pid, const char* number, std::string_view target)>& look);

/// The value behind `key` ("ino:") in /proc/PID/fdinfo/NUMBER; absent where there is none.
std::optional<uint64_t> DescriptorInfo(pid_t pid, const char* number, std::string_view key);

/// What /proc/PID/fd/NUMBER points to; empty where it cannot be read.
std::string DescriptorTarget(pid_t pid, const char* number);

/// 123 of "pipe:[123]", where the target begins with `kind` ("pipe:[").
std::optional<uint64_t> InodeOf(std::string_view target, std::string_view kind);

}  // namespace imagebatch::runner
