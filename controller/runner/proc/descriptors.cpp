#include "runner/proc/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>

#include "runner/proc/files.h"

namespace imagebatch::runner {
namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

constexpr size_t kTargetBytes = 4096;  // the longest path

}  // namespace

Scope TreeAndRunner(const std::vector<ProcessStat>& tree) {
  Scope scope{tree, {getpid()}};
  for (const ProcessStat& process : tree) scope.processes.push_back(process.pid);
  return scope;
}

Scope Everybody(const std::vector<ProcessStat>& tree) {
  const Directory proc(opendir("/proc"), closedir);
  if (!proc) return TreeAndRunner(tree);
  Scope scope{tree, {}};
  while (const dirent* entry = readdir(proc.get())) {
    if (const pid_t pid = atoi(entry->d_name); pid > 0) scope.processes.push_back(pid);
  }
  return scope;
}

bool ForEachDescriptor(pid_t pid,
                       const std::function<void(const char* number, std::string_view target)>& look) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd";
  const Directory entries(opendir(path.c_str()), closedir);
  if (!entries) return errno == ENOENT;  // it has gone
  char target[kTargetBytes];
  while (const dirent* entry = readdir(entries.get())) {
    if (entry->d_name[0] == '.') continue;
    const ssize_t length = readlinkat(dirfd(entries.get()), entry->d_name, target, sizeof target);
    if (length > 0) {
      look(entry->d_name, std::string_view(target, static_cast<size_t>(length)));
    } else if (errno != ENOENT) {
      return false;
    }
  }
  return true;
}

std::vector<pid_t> ForAllDescriptors(
    const Scope& scope,
    const std::function<void(pid_t pid, const char* number, std::string_view target)>& look) {
  std::vector<pid_t> unreadable;
  for (pid_t pid : scope.processes) {
    const ProcessStat* member = FindProcess(scope.tree, pid);
    if (member != nullptr && IsZombie(*member)) continue;
    // The descriptors of a main thread that has ended are no longer to be seen there.
    const bool readable = !(member != nullptr && member->state == 'Z') &&
                          ForEachDescriptor(pid, [&](const char* number, std::string_view target) {
                            look(pid, number, target);
                          });
    if (!readable && (member != nullptr || pid == getpid())) unreadable.push_back(pid);
  }
  return unreadable;
}

std::optional<uint64_t> DescriptorInfo(pid_t pid, const char* number, std::string_view key) {
  char text[4096];
  const std::string path = "/proc/" + std::to_string(pid) + "/fdinfo/" + number;
  std::string_view info = ReadSmall(AT_FDCWD, path.c_str(), text, sizeof text - 1);
  while (!info.empty()) {
    std::string_view line = TakeUntil(info, '\n');
    if (TakeUntil(line, '\t') != key) continue;
    uint64_t value = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error == std::errc()) return value;
  }
  return std::nullopt;
}

std::string DescriptorTarget(pid_t pid, const char* number) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + number;
  char target[kTargetBytes];
  const ssize_t length = readlink(path.c_str(), target, sizeof target);
  return length > 0 ? std::string(target, static_cast<size_t>(length)) : std::string();
}

std::optional<uint64_t> InodeOf(std::string_view target, std::string_view kind) {
  if (!target.starts_with(kind)) return std::nullopt;
  target.remove_prefix(kind.size());
  uint64_t inode = 0;
  const auto [rest, error] = std::from_chars(target.data(), target.data() + target.size(), inode);
  if (error != std::errc()) return std::nullopt;
  return inode;
}

}  // namespace imagebatch::runner
