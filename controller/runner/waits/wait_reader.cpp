#include "runner/waits/wait_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "runner/proc/files.h"
#include "runner/proc/thread_status.h"
#include "runner/waits/file_locks.h"
#include "runner/waits/polled.h"

namespace imagebatch::runner {
namespace {

using hang::Wait;
using hang::WaitFor;
using hang::WaitingProcess;
using Kind = UntimedCall::Kind;

constexpr size_t kMostThreads = 1024;  // of one process; one with more is alive
constexpr size_t kLargestProcFile = size_t{1} << 20;

std::string ProcDirectory(const ProcessStat& process) { return "/proc/" + std::to_string(process.pid); }

std::string TasksDirectory(const ProcessStat& process) { return ProcDirectory(process) + "/task/"; }

/// Whether the kernel hides other users' processes: then a child or a holder of a pipe may be there unseen.
bool HidesProcesses() {
  const std::string mounts = ReadWhole("/proc/self/mountinfo", kLargestProcFile);
  std::string_view text = mounts;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    if (line.find(" /proc ") == std::string_view::npos) continue;
    const size_t option = line.find("hidepid=");
    if (option == std::string_view::npos) continue;
    const std::string_view value = line.substr(option + 8);
    if (!value.starts_with("0") && !value.starts_with("off")) return true;
  }
  return false;
}

/// Signals that tell a handler of time that has passed or of something to read or write. Interval timers
/// (setitimer) and the owner of a descriptor (F_SETOWN) cannot be seen from outside.
bool MayBeToldByTheKernel(const ThreadStatus& status) {
  constexpr int kFirstRealTime = 35;  // those below it belong to the C libraries
  for (int signal : {SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGURG}) {
    if (Catches(status, signal)) return true;
  }
  return status.caught >> (kFirstRealTime - 1) != 0;
}

/// A signal with which one process may tell another that it has done its part, or may stop. SIGINT is not
/// among them: every Python program handles it.
bool MayBeToldByOthers(const ThreadStatus& status) {
  for (int signal : {SIGUSR1, SIGUSR2, SIGTERM, SIGHUP}) {
    if (Catches(status, signal)) return true;
  }
  return false;
}

/// No POSIX timer. Where the kernel does not have the file, there may be one.
bool HasNoTimers(const ProcessStat& process) {
  const Descriptor file(open((ProcDirectory(process) + "/timers").c_str(), O_RDONLY | O_CLOEXEC));
  char byte = 0;
  return file.Open() && read(file.Get(), &byte, 1) == 0;
}

std::string PipeNames(const std::vector<uint64_t>& inodes) {
  constexpr size_t kMostNamed = 2;
  std::string names = inodes.size() == 1 ? "pipe" : "pipes";
  for (size_t index = 0; index < std::min(kMostNamed, inodes.size()); ++index) {
    names += (index == 0 ? " [" : ", [") + std::to_string(inodes[index]) + "]";
  }
  if (inodes.size() > kMostNamed) names += " and " + std::to_string(inodes.size() - kMostNamed) + " more";
  return names;
}

}  // namespace

std::vector<WaitingProcess> WaitReader::Read(const Scope& scope) {
  if (!looked_) numbers_ = HidesProcesses() ? nullptr : NativeCalls();
  looked_ = true;
  if (numbers_ == nullptr) return {};
  scope_ = &scope;
  std::vector<Candidate> candidates;
  std::vector<WaitingProcess> processes;
  for (const ProcessStat& process : scope.tree) {
    auto candidate = ReadCalls(process);
    if (!candidate) continue;
    processes.push_back(FirstLook(*candidate));
    candidates.push_back(*std::move(candidate));
  }
  processes = hang::DeadPart(std::move(processes));
  for (WaitingProcess& process : processes) {
    const auto candidate =
        std::find_if(candidates.begin(), candidates.end(),
                     [&process](const Candidate& one) { return one.stat->pid == process.pid; });
    process = Inspect(*candidate);
  }
  pipes_.reset();
  memory_.reset();
  locks_.reset();
  scope_ = nullptr;
  return hang::DeadPart(std::move(processes));
}

std::optional<WaitReader::Candidate> WaitReader::ReadCalls(const ProcessStat& process) const {
  // D is how the parent of a vfork() waits.
  if (process.state != 'S' && process.state != 'D') return std::nullopt;
  if (process.threads == 0 || process.threads > kMostThreads) return std::nullopt;
  const std::string tasks = TasksDirectory(process);
  const std::string main_thread = std::to_string(process.pid);
  Candidate candidate{.stat = &process, .threads = {}};
  auto thread = ReadThread(tasks, main_thread.c_str());
  if (!thread) return std::nullopt;
  candidate.threads.push_back(*std::move(thread));
  if (process.threads == 1) return candidate;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(tasks.c_str()), closedir);
  if (!entries) return std::nullopt;
  while (const dirent* entry = readdir(entries.get())) {
    if (entry->d_name[0] == '.' || entry->d_name == main_thread) continue;
    thread = ReadThread(tasks, entry->d_name);
    if (!thread) return std::nullopt;
    candidate.threads.push_back(*std::move(thread));
  }
  if (candidate.threads.size() != process.threads) return std::nullopt;
  return candidate;
}

std::optional<WaitReader::Thread> WaitReader::ReadThread(const std::string& tasks, const char* id) const {
  char text[256];
  const std::string path = tasks + id + "/syscall";
  const std::string_view line = ReadSmall(AT_FDCWD, path.c_str(), text, sizeof text - 1);
  const auto call = ParseSystemCall(line);
  const auto untimed = call ? DecodeUntimed(*call, *numbers_) : std::nullopt;
  if (!untimed) return std::nullopt;
  return Thread{.id = id, .text = std::string(line), .call = *untimed};
}

WaitingProcess WaitReader::FirstLook(const Candidate& candidate) const {
  WaitingProcess process{.pid = candidate.stat->pid};
  for (const Thread& thread : candidate.threads) {
    Wait wait{.what = WaitFor::PipeEvents, .wakers = {}, .object = {}};
    if (thread.call.kind == Kind::Children || thread.call.kind == Kind::ForkedChild) {
      wait.wakers = Awaited(*candidate.stat, thread.call);
      wait.what = wait.wakers.empty() ? WaitFor::Anything : WaitFor::Children;
    }
    process.waits.push_back(std::move(wait));
  }
  return process;
}

WaitingProcess WaitReader::Inspect(const Candidate& candidate) {
  WaitingProcess process{.pid = candidate.stat->pid};
  if (!HasNoTimers(*candidate.stat) || Pipes().UsesIoUring(process.pid)) return process;
  if (!AddStatus(candidate, process)) return process;
  for (const Thread& thread : candidate.threads) process.waits.push_back(Resolve(candidate, thread));
  return process;
}

bool WaitReader::AddStatus(const Candidate& candidate, WaitingProcess& process) {
  std::string picture = std::to_string(candidate.stat->start_ticks);
  ThreadStatus status;
  for (const Thread& thread : candidate.threads) {
    const std::string path = TasksDirectory(*candidate.stat) + thread.id + "/status";
    const auto read = ParseThreadStatus(ReadWhole(path.c_str(), kLargestProcFile));
    if (!read) return false;
    status = *read;
    const char expected = thread.call.kind == Kind::ForkedChild ? 'D' : 'S';
    if (status.state != expected || status.traced) return false;
    picture += ' ' + thread.id + ' ' + thread.text + std::to_string(status.switches);
  }
  // Handlers are the same for all threads.
  if (MayBeToldByTheKernel(status)) return false;
  if (Catches(status, SIGCHLD)) process.signallers = Children(*candidate.stat);
  if (MayBeToldByOthers(status)) {
    for (const ProcessStat& other : scope_->tree) {
      if (!IsZombie(other)) process.signallers.push_back(other.pid);
    }
  }
  process.picture = std::hash<std::string>()(picture);
  return true;
}

Wait WaitReader::Resolve(const Candidate& candidate, const Thread& thread) {
  switch (thread.call.kind) {
    case Kind::Futex:
      return Futex(candidate, thread.call);
    case Kind::Children:
    case Kind::ForkedChild: {
      std::vector<int> children = Awaited(*candidate.stat, thread.call);
      // Without a child it would not wait: there is one that we do not see.
      if (children.empty()) return {};
      return {WaitFor::Children, std::move(children), {}};
    }
    case Kind::Read:
      return OnPipes(candidate, thread, WaitFor::PipeData, {thread.call.descriptor});
    case Kind::Write:
      return OnPipes(candidate, thread, WaitFor::PipeRoom, {thread.call.descriptor});
    case Kind::Poll:
    case Kind::Select:
    case Kind::Epoll:
      return OnPipes(
          candidate, thread, WaitFor::PipeEvents,
          PolledDescriptors(candidate.stat->pid, TasksDirectory(*candidate.stat) + thread.id, thread.call));
    case Kind::FileLock:
      return FileLock(candidate, thread);
  }
  return {};
}

Wait WaitReader::Futex(const Candidate& candidate, const UntimedCall& call) {
  const ProcessStat& process = *candidate.stat;
  std::vector<int> own = SharersOfMemory(process);
  own.push_back(process.pid);
  if (call.process_private) return {WaitFor::OwnLock, std::move(own), {}};
  const std::string maps = ReadMaps(process.pid);
  const auto mapping = MappingAt(maps, call.address);
  if (!mapping) return {};
  if (!mapping->shared) {
    // Where it can be written it is a copy of the process's own; else it may be a page of a file.
    if (!mapping->writable) return {};
    return {WaitFor::OwnLock, std::move(own), {}};
  }
  if (!IsNameless(*mapping)) return {};
  std::vector<int> users = Memory().Users(mapping->inode);
  if (users.empty()) return {};
  return {WaitFor::SharedLock, std::move(users), {}};
}

Wait WaitReader::OnPipes(const Candidate& candidate, const Thread& thread, WaitFor what,
                         const std::vector<int>& descriptors) {
  if (descriptors.empty()) return {};  // it waits for a signal alone, or for what we cannot read
  const std::string directory = TasksDirectory(*candidate.stat) + thread.id + "/fd/";
  Wait wait{.what = what, .wakers = {}, .object = {}};
  std::vector<uint64_t> inodes;
  for (int descriptor : descriptors) {
    const auto end = PipeEndAt(directory, std::to_string(descriptor).c_str());
    if (!end) return {};
    std::vector<int> others;
    if (end->reads && what != WaitFor::PipeRoom) others = Pipes().Writers(end->inode);
    if (end->writes && what != WaitFor::PipeData) {
      const std::vector<int> readers = Pipes().Readers(end->inode);
      others.insert(others.end(), readers.begin(), readers.end());
    }
    // Without anybody at the other end it would not wait: there is one that we do not see.
    if (others.empty()) return {};
    wait.wakers.insert(wait.wakers.end(), others.begin(), others.end());
    if (std::find(inodes.begin(), inodes.end(), end->inode) == inodes.end()) inodes.push_back(end->inode);
  }
  wait.object = PipeNames(inodes);
  return wait;
}

Wait WaitReader::FileLock(const Candidate& candidate, const Thread& thread) {
  const pid_t pid = candidate.stat->pid;
  const std::string number = std::to_string(thread.call.descriptor);
  const auto inode = DescriptorInfo(pid, number.c_str(), "ino:");
  if (!inode) return {};
  if (!locks_) locks_ = ReadWhole("/proc/locks", kLargestProcFile);
  Wait wait{.what = WaitFor::FileLock, .wakers = {}, .object = {}};
  for (const HeldLock& lock : LocksWaitedFor(*locks_, pid, *inode)) {
    const std::vector<int> holders = HoldersOf(lock, *scope_);
    if (holders.empty()) return {};
    wait.wakers.insert(wait.wakers.end(), holders.begin(), holders.end());
  }
  if (wait.wakers.empty()) return {};
  wait.object = DescriptorTarget(pid, number.c_str());
  return wait;
}

std::vector<int> WaitReader::Awaited(const ProcessStat& process, const UntimedCall& call) const {
  std::vector<int> children = Children(process);
  if (call.child > 0) std::erase_if(children, [&call](int child) { return child != call.child; });
  return children;
}

std::vector<int> WaitReader::Children(const ProcessStat& process) const {
  std::vector<int> children;
  for (const ProcessStat& other : scope_->tree) {
    if (other.parent == process.pid && !IsZombie(other)) children.push_back(other.pid);
  }
  return children;
}

/// Processes that may share all memory with this one, as between vfork() and exec(): their private futexes
/// are the same. Such processes have the same addresses and sizes; so may a fresh fork have by chance, which
/// is then taken for one of them.
std::vector<int> WaitReader::SharersOfMemory(const ProcessStat& process) const {
  std::vector<int> sharers;
  for (const ProcessStat& other : scope_->tree) {
    if (other.pid == process.pid || IsZombie(other)) continue;
    if (other.stack_start == process.stack_start && other.virtual_bytes == process.virtual_bytes &&
        other.resident_pages == process.resident_pages) {
      sharers.push_back(other.pid);
    }
  }
  return sharers;
}

const PipeHolders& WaitReader::Pipes() {
  if (!pipes_) pipes_.emplace(*scope_);
  return *pipes_;
}

const SharedMemory& WaitReader::Memory() {
  if (!memory_) memory_.emplace(*scope_);
  return *memory_;
}

}  // namespace imagebatch::runner
