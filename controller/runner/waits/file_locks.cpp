#include "runner/waits/file_locks.h"

#include <charconv>
#include <string>

#include "runner/proc/files.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kInfoBytes = 16384;

/// "3: -> POSIX  ADVISORY  WRITE 123 08:01:131 0 EOF"
struct LockLine {
  std::string_view id;
  bool waits = false;
  std::string_view type;
  int pid = 0;  // -1: an open file's
  std::string_view file;
};

std::string_view TakeWord(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return TakeUntil(text, ' ');
}

LockLine ParseLockLine(std::string_view text) {
  LockLine line;
  line.id = TakeWord(text);
  line.type = TakeWord(text);
  line.waits = line.type == "->";
  if (line.waits) line.type = TakeWord(text);
  TakeWord(text);  // ADVISORY
  TakeWord(text);  // WRITE
  const std::string_view pid = TakeWord(text);
  std::from_chars(pid.data(), pid.data() + pid.size(), line.pid);
  line.file = TakeWord(text);
  return line;
}

bool IsFile(std::string_view file, uint64_t inode) { return file.ends_with(":" + std::to_string(inode)); }

/// Whether the lines "lock:" of a descriptor's fdinfo name a lock on `file` that the open file holds.
bool HoldsLock(std::string_view info, std::string_view file) {
  while (!info.empty()) {
    std::string_view text = TakeUntil(info, '\n');
    if (TakeUntil(text, '\t') != "lock:") continue;
    const LockLine line = ParseLockLine(text);
    if (line.type != "POSIX" && line.file == file) return true;
  }
  return false;
}

}  // namespace

std::vector<HeldLock> LocksWaitedFor(std::string_view locks, int pid, uint64_t inode) {
  std::vector<HeldLock> found;
  LockLine holder;
  while (!locks.empty()) {
    const LockLine line = ParseLockLine(TakeUntil(locks, '\n'));
    if (!line.waits) holder = line;
    // Those that wait for a lock stand behind it, under the same number.
    if (!line.waits || line.id != holder.id || !IsFile(line.file, inode)) continue;
    if (line.pid != pid && line.pid != -1) continue;
    found.push_back({holder.type == "POSIX" ? holder.pid : 0, holder.file});
  }
  return found;
}

std::vector<int> HoldersOf(const HeldLock& lock, const Scope& scope) {
  if (lock.process > 0) return {lock.process};
  std::vector<int> holders;
  const auto unreadable =
      ForAllDescriptors(scope, [&](pid_t pid, const char* number, std::string_view target) {
        if (!target.starts_with('/')) return;  // no file
        const std::string path = "/proc/" + std::to_string(pid) + "/fdinfo/" + number;
        if (HoldsLock(ReadWhole(path.c_str(), kInfoBytes), lock.file)) holders.push_back(pid);
      });
  if (!holders.empty()) holders.insert(holders.end(), unreadable.begin(), unreadable.end());
  return holders;
}

}  // namespace imagebatch::runner
