#include "runner/waits/pipe_holders.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace imagebatch::runner {
namespace {

constexpr std::string_view kPipe = "pipe:[";

/// The mode of the link says how the descriptor was opened (proc(5)).
std::optional<PipeEnd> EndOf(const std::string& path, uint64_t inode) {
  struct stat link {};
  if (lstat(path.c_str(), &link) != 0) return std::nullopt;
  return PipeEnd{inode, (link.st_mode & S_IRUSR) != 0, (link.st_mode & S_IWUSR) != 0};
}

}  // namespace

std::optional<PipeEnd> PipeEndAt(const std::string& directory, const char* number) {
  const std::string path = directory + number;
  char target[64];
  const ssize_t length = readlink(path.c_str(), target, sizeof target);
  if (length <= 0) return std::nullopt;
  const auto inode = InodeOf({target, static_cast<size_t>(length)}, kPipe);
  if (!inode) return std::nullopt;
  return EndOf(path, *inode);
}

PipeHolders::PipeHolders(const Scope& scope) {
  unreadable_ = ForAllDescriptors(scope, [this](pid_t pid, const char* number, std::string_view target) {
    if (target == "anon_inode:[io_uring]") io_uring_.push_back(pid);
    const auto inode = InodeOf(target, kPipe);
    if (!inode) return;
    const auto end = EndOf("/proc/" + std::to_string(pid) + "/fd/" + number, *inode);
    // Gone since then, or not to be seen: if it was given away, another descriptor shows it.
    if (!end) return;
    if (end->reads) readers_[*inode].push_back(pid);
    if (end->writes) writers_[*inode].push_back(pid);
  });
}

bool PipeHolders::UsesIoUring(int pid) const {
  return std::find(io_uring_.begin(), io_uring_.end(), pid) != io_uring_.end();
}

std::vector<int> PipeHolders::Holders(const Table& table, uint64_t inode) const {
  const auto found = table.find(inode);
  if (found == table.end()) return {};
  std::vector<int> holders = found->second;
  holders.insert(holders.end(), unreadable_.begin(), unreadable_.end());
  return holders;
}

}  // namespace imagebatch::runner
