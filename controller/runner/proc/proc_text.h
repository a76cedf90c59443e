#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imagebatch::runner {

struct IoBytes {
  uint64_t read = 0;     // by system calls and, once more, from the disk
  uint64_t written = 0;  // by system calls
  uint64_t dirtied = 0;  // bytes of pages that are to go to the disk, by whatever means
};

/// Of /proc/PID/stat (proc(5)); times in clock ticks.
struct ProcessStat {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';
  uint32_t threads = 0;
  uint64_t own_ticks = 0;      // user and system
  uint64_t reaped_ticks = 0;   // of children that ended and were waited for
  uint64_t page_faults = 0;    // minor ones, those of reaped children included
  uint64_t reaped_faults = 0;  // of those, the children's: none where none was reaped
  uint64_t start_ticks = 0;    // since boot; with the pid it names the process
  uint64_t virtual_bytes = 0;
  uint64_t resident_pages = 0;
  uint64_t stack_start = 0;        // an address; 0 where we may not know it
  std::optional<IoBytes> io = {};  // of /proc/PID/io, which ProcessTree reads
};

/// The program's name may hold anything, brackets and newlines too. Nothing where a field is missing.
std::optional<ProcessStat> ParseStat(std::string_view text);

/// Whether it is over and only its exit status is left. (A process whose main thread alone has ended has the
/// same state, but other threads.)
bool IsZombie(const ProcessStat& process);

/// Of /proc/PID/io. (What a linker reads through a mapping is only in the disk's figures.) Nothing where
/// there is none of them.
std::optional<IoBytes> ParseIo(std::string_view text);

/// Of /proc/net/dev: bytes sent by all interfaces but loopback. What comes in says nothing: on a bridge every
/// Pod hears what is broadcast for the others.
uint64_t ParseNetDev(std::string_view text);

/// A line of /proc/PID/mountinfo; what it lacks is empty. Paths are as the kernel writes them, escaped.
struct Mount {
  std::string_view device;  // MAJOR:MINOR
  std::string_view root;
  std::string_view point;
  std::string_view own_options;  // of this mount
  std::string_view type;
  std::string_view options;  // of the file system, where v1 names its controllers
};
Mount ParseMount(std::string_view line);

/// Whether `word` is one of a list with commas.
bool ListHas(std::string_view list, std::string_view word);

/// The directory of this process's cgroup in the file system: of the v1 hierarchy with `controller`, or of v2
/// where `controller` is empty. From /proc/self/mountinfo and /proc/self/cgroup; empty where there is none.
std::string CgroupDirectory(std::string_view mountinfo, std::string_view cgroup, std::string_view controller);

/// The value behind `key` and a space at the start of a line, as in cpu.stat ("usage_usec 123").
std::optional<uint64_t> ValueOf(std::string_view text, std::string_view key);

/// Splits off the text up to the first `separator`, which goes; the rest stays in `text`.
std::string_view TakeUntil(std::string_view& text, char separator);

}  // namespace imagebatch::runner
