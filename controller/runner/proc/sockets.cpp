#include "runner/proc/sockets.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string>

#include "runner/proc/files.h"
#include "runner/proc/table_rows.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kLargestTable = size_t{4} << 20;

void AddInode(std::string_view column, std::vector<uint64_t>& inodes) {
  uint64_t inode = 0;
  std::from_chars(column.data(), column.data() + column.size(), inode);
  if (inode != 0) inodes.push_back(inode);
}

/// Of the lines of /proc/net/tcp whose fourth column, the state, is ESTABLISHED (01).
void AddEstablished(const char* table, std::vector<uint64_t>& inodes) {
  ForEachRow<10>(ReadWhole(table, kLargestTable), [&inodes](const auto& columns) {
    if (columns[3] == "01") AddInode(columns[9], inodes);
  });
}

void AddLocal(std::vector<uint64_t>& inodes) {
  ForEachRow<7>(ReadWhole("/proc/self/net/unix", kLargestTable),
                [&inodes](const auto& columns) { AddInode(columns[6], inodes); });
}

/// The inodes of the sockets among a process's descriptors; false where they cannot be read.
bool AddSockets(pid_t pid, std::vector<uint64_t>& inodes) {
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(directory.c_str()), closedir);
  if (!entries) return false;
  while (const dirent* entry = readdir(entries.get())) {
    char target[64];
    const ssize_t length = readlinkat(dirfd(entries.get()), entry->d_name, target, sizeof target);
    if (length <= 0) continue;
    std::string_view text(target, static_cast<size_t>(length));
    constexpr std::string_view kSocket = "socket:[";
    if (!text.starts_with(kSocket)) continue;
    uint64_t inode = 0;
    std::from_chars(text.data() + kSocket.size(), text.data() + text.size(), inode);
    inodes.push_back(inode);
  }
  return true;
}

void SortUnique(std::vector<uint64_t>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

}  // namespace

std::optional<size_t> Connections::HeldBy(const std::vector<ProcessStat>& processes) {
  std::vector<uint64_t> held;
  bool readable = processes.empty();
  for (const ProcessStat& process : processes) readable |= AddSockets(process.pid, held);
  if (!readable) return std::nullopt;
  if (held.empty()) return 0;
  SortUnique(held);
  if (!local_) {
    AddLocal(local_.emplace());
    SortUnique(*local_);
  }
  std::vector<uint64_t> others;
  std::set_difference(held.begin(), held.end(), local_->begin(), local_->end(), std::back_inserter(others));
  if (others.empty()) return 0;
  if (!established_) {
    if (access("/proc/self/net/tcp", R_OK) != 0) return std::nullopt;
    established_.emplace();
    AddEstablished("/proc/self/net/tcp", *established_);
    AddEstablished("/proc/self/net/tcp6", *established_);
    SortUnique(*established_);
  }
  std::vector<uint64_t> both;
  std::set_intersection(established_->begin(), established_->end(), others.begin(), others.end(),
                        std::back_inserter(both));
  return both.size();
}

}  // namespace imagebatch::runner
