#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace imagebatch::runner {

/// Of /proc/PID/task/TID/status (proc(5)).
struct ThreadStatus {
  char state = '?';
  bool traced = false;    // by a debugger, which can make it go on at any time
  uint64_t caught = 0;    // bit n-1: the process has a handler for signal n
  uint64_t ignored = 0;   // likewise: it ignores it
  uint64_t blocked = 0;   // likewise: the thread blocks it
  uint64_t switches = 0;  // context switches so far: the same number later means that it did not run
};

/// Nothing where a field is missing.
std::optional<ThreadStatus> ParseThreadStatus(std::string_view text);

/// Whether the process handles `signal`.
constexpr bool Catches(const ThreadStatus& status, int signal) {
  return (status.caught >> (signal - 1) & 1) != 0;
}

constexpr bool Ignores(const ThreadStatus& status, int signal) {
  return (status.ignored >> (signal - 1) & 1) != 0;
}
constexpr bool Blocks(const ThreadStatus& status, int signal) {
  return (status.blocked >> (signal - 1) & 1) != 0;
}

}  // namespace imagebatch::runner
