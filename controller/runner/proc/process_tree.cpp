#include "runner/proc/process_tree.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace imagebatch::runner {
namespace {

bool ByPid(const ProcessStat& one, const ProcessStat& other) { return one.pid < other.pid; }

/// 123 and "stat" make "123/stat".
class ProcPath {
 public:
  ProcPath(pid_t pid, const char* file) { snprintf(path_, sizeof path_, "%d/%s", pid, file); }
  const char* Get() const { return path_; }

 private:
  char path_[32];
};

}  // namespace

const ProcessStat* FindProcess(const std::vector<ProcessStat>& processes, pid_t pid) {
  const ProcessStat wanted{.pid = pid};
  const auto found = std::lower_bound(processes.begin(), processes.end(), wanted, ByPid);
  return found != processes.end() && found->pid == pid ? &*found : nullptr;
}

ProcessTree::ProcessTree()
    : proc_(opendir("/proc"), closedir), self_(getpid()), page_bytes_(sysconf(_SC_PAGESIZE)) {}

void ProcessTree::Walk() {
  if (!proc_) return;
  ReadAll();
  std::swap(members_, before_);
  KeepDescendants();
  CompareWithBefore();
  SumUp();
}

void ProcessTree::ReadAll() {
  all_.clear();
  rewinddir(proc_.get());
  char text[1024];
  while (const dirent* entry = readdir(proc_.get())) {
    const pid_t pid = atoi(entry->d_name);
    if (pid <= 0) continue;  // not a process
    if (std::find(left_out_.begin(), left_out_.end(), pid) != left_out_.end()) continue;
    const ProcPath path(pid, "stat");
    if (const auto stat = ParseStat(ReadSmall(dirfd(proc_.get()), path.Get(), text, sizeof text - 1))) {
      all_.push_back(*stat);
    }
  }
  if (!std::is_sorted(all_.begin(), all_.end(), ByPid)) std::sort(all_.begin(), all_.end(), ByPid);
}

void ProcessTree::KeepDescendants() {
  belongs_.assign(all_.size(), 0);
  // A parent's pid is below its children's until pids start again from the bottom: one pass finds all, a
  // second that nothing is left.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t index = 0; index < all_.size(); ++index) {
      if (belongs_[index] != 0 || !ParentBelongs(all_[index])) continue;
      belongs_[index] = 1;
      changed = true;
    }
  }
  members_.clear();
  for (size_t index = 0; index < all_.size(); ++index) {
    if (belongs_[index] != 0) members_.push_back(all_[index]);
  }
}

bool ProcessTree::ParentBelongs(const ProcessStat& process) const {
  if (process.parent == self_) return true;
  const ProcessStat* parent = FindProcess(all_, process.parent);
  return parent != nullptr && belongs_[static_cast<size_t>(parent - all_.data())] != 0;
}

void ProcessTree::CompareWithBefore() {
  totals_.starved = false;
  auto old = before_.begin();
  for (const ProcessStat& process : members_) {
    old = std::lower_bound(old, before_.end(), process, ByPid);
    const bool known =
        old != before_.end() && old->pid == process.pid && old->start_ticks == process.start_ticks;
    if (known && process.state == 'R' && old->state == 'R') totals_.starved = true;
  }
}

void ProcessTree::SumUp() {
  totals_.ticks = 0;
  totals_.page_faults = 0;
  totals_.resident_bytes = 0;
  IoBytes sum;
  bool readable = members_.empty();
  char text[1024];
  for (ProcessStat& process : members_) {
    totals_.ticks += process.own_ticks + process.reaped_ticks;
    totals_.page_faults += process.page_faults;
    totals_.resident_bytes += process.resident_pages * static_cast<uint64_t>(page_bytes_);
    const ProcPath path(process.pid, "io");
    process.io = ParseIo(ReadSmall(dirfd(proc_.get()), path.Get(), text, sizeof text - 1));
    if (!process.io) continue;
    sum.read += process.io->read;
    sum.written += process.io->written;
    sum.dirtied += process.io->dirtied;
    readable = true;
  }
  totals_.io.reset();
  if (readable) totals_.io = sum;
}

void ProcessTree::Signal(int signal) {
  Walk();
  for (const ProcessStat& process : members_) {
    if (process.state != 'Z') kill(process.pid, signal);
  }
}

}  // namespace imagebatch::runner
