#include "runner/traffic/socket_owners.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "runner/proc/descriptors.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kNamespaces = 64;

bool ByInode(const OwnedSocket& one, const OwnedSocket& other) { return one.inode < other.inode; }

std::string LinkAt(int directory, const char* name) {
  char target[64];  // "socket:[...]" and "net:[...]" are shorter
  const ssize_t length = readlinkat(directory, name, target, sizeof target);
  return length > 0 ? std::string(target, static_cast<size_t>(length)) : std::string();
}

/// False where they cannot be read.
bool AddSockets(pid_t pid, std::vector<OwnedSocket>& sockets) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(path.c_str()), closedir);
  if (!entries) return errno == ENOENT;  // it has gone
  while (const dirent* entry = readdir(entries.get())) {
    if (entry->d_name[0] == '.') continue;
    const auto inode = InodeOf(LinkAt(dirfd(entries.get()), entry->d_name), "socket:[");
    if (!inode) continue;
    if (sockets.size() == SocketOwners::kSockets) return false;
    sockets.push_back({*inode, pid, atoi(entry->d_name)});
  }
  return true;
}

}  // namespace

bool SocketOwners::Has(uint64_t inode) const {
  return std::binary_search(sockets.begin(), sockets.end(), OwnedSocket{.inode = inode}, ByInode);
}

std::vector<OwnedSocket> SocketOwners::Of(uint64_t inode) const {
  const auto [first, last] =
      std::equal_range(sockets.begin(), sockets.end(), OwnedSocket{.inode = inode}, ByInode);
  return {first, last};
}

SocketOwners ReadSocketOwners(const std::vector<ProcessStat>& tree) {
  SocketOwners owners;
  const std::string ours = LinkAt(AT_FDCWD, "/proc/self/ns/net");
  std::map<std::string, pid_t> namespaces;
  for (const ProcessStat& process : tree) {
    if (IsZombie(process)) continue;
    if (!AddSockets(process.pid, owners.sockets)) owners.complete = false;
    const std::string path = "/proc/" + std::to_string(process.pid) + "/ns/net";
    const std::string space = LinkAt(AT_FDCWD, path.c_str());
    if (!space.empty() && space != ours && namespaces.size() < kNamespaces)
      namespaces.emplace(space, process.pid);
  }
  std::sort(owners.sockets.begin(), owners.sockets.end(), ByInode);
  for (const auto& [space, pid] : namespaces) owners.namespaces.push_back(pid);
  return owners;
}

}  // namespace imagebatch::runner
