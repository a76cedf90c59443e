#include "runner/sockets.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>

#include "runner/files.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kLargestTable = size_t{4} << 20;

/// The tenth column of /proc/net/tcp for lines whose fourth, the state, is ESTABLISHED (01).
void AddEstablished(const char* table, std::vector<uint64_t>& inodes) {
  const std::string content = ReadWhole(table, kLargestTable);
  std::string_view text = content;
  TakeUntil(text, '\n');  // headings
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    std::string_view columns[10];
    for (std::string_view& column : columns) {
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      column = TakeUntil(line, ' ');
    }
    uint64_t inode = 0;
    std::from_chars(columns[9].data(), columns[9].data() + columns[9].size(), inode);
    if (columns[3] == "01" && inode != 0) inodes.push_back(inode);
  }
}

/// The inodes of the sockets among a process's descriptors.
void AddSockets(pid_t pid, std::vector<uint64_t>& inodes) {
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(directory.c_str()), closedir);
  if (!entries) return;
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
}

void SortUnique(std::vector<uint64_t>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

}  // namespace

std::optional<size_t> CountConnections(const std::vector<ProcessStat>& processes) {
  if (access("/proc/self/net/tcp", R_OK) != 0) return std::nullopt;
  std::vector<uint64_t> established;
  AddEstablished("/proc/self/net/tcp", established);
  AddEstablished("/proc/self/net/tcp6", established);
  std::vector<uint64_t> held;
  for (const ProcessStat& process : processes) AddSockets(process.pid, held);
  SortUnique(established);
  SortUnique(held);
  std::vector<uint64_t> both;
  std::set_intersection(established.begin(), established.end(), held.begin(), held.end(),
                        std::back_inserter(both));
  return both.size();
}

}  // namespace imagebatch::runner
