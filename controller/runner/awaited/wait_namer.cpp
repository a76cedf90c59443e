#include "runner/awaited/wait_namer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <set>

#include "base/short_name.h"
#include "runner/proc/files.h"
#include "runner/waits/file_locks.h"
#include "runner/waits/polled.h"

namespace imagebatch::runner {
namespace {

using Kind = UntimedCall::Kind;

constexpr size_t kPathBytes = 80, kMostHolders = 3, kMostPolled = 2;
constexpr size_t kLocksBytes = size_t{256} << 10;

/// Calls that wait for what stands behind their first argument, and no UntimedCall knows.
struct DescriptorCall {
  long number;
  const char* what;
  bool writes;
};
constexpr DescriptorCall kDescriptorCalls[] = {
    {SYS_recvfrom, "data from ", false},      {SYS_recvmsg, "data from ", false},
    {SYS_recvmmsg, "data from ", false},      {SYS_sendto, "room in ", true},
    {SYS_sendmsg, "room in ", true},          {SYS_accept, "a connection to ", false},
    {SYS_accept4, "a connection to ", false}, {SYS_connect, "an answer from ", false},
    {SYS_fsync, "the disk to take ", true},   {SYS_fdatasync, "the disk to take ", true},
};

int AsInt(uint64_t argument) { return static_cast<int>(static_cast<uint32_t>(argument)); }

std::string ProcFile(pid_t pid, const char* name) { return "/proc/" + std::to_string(pid) + "/" + name; }

bool IsTerminal(std::string_view target) {
  return target.starts_with("/dev/pts/") || target.starts_with("/dev/tty") || target == "/dev/console";
}

std::string Milliseconds(std::chrono::milliseconds length) {
  const auto count = length.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

ThreadWait Waits(const std::string& object, Explains explains) {
  return {.name = {}, .does = "waits for " + object, .explains = explains, .stood = {}};
}

std::string Stopped(int signal) {
  switch (signal) {
    case SIGTTOU:
      return "is stopped by SIGTTOU: it is in the background and writes to its terminal, or sets it";
    case SIGTTIN:
      return "is stopped by SIGTTIN: it is in the background and reads from its terminal";
    case 0:
      return "is stopped by a signal (job control) until it gets SIGCONT";
    default:
      return std::string("is stopped by SIG") + sigabbrev_np(signal) + " until it gets SIGCONT";
  }
}

}  // namespace

ThreadWait WaitNamer::Name(const ProcessStat& process, const ThreadLook& thread) {
  ThreadWait wait = OfState(process, thread);
  char text[64];
  const std::string_view own =
      ReadSmall(AT_FDCWD, ProcFile(process.pid, "comm").c_str(), text, sizeof text - 1);
  if (thread.name != own.substr(0, own.find('\n'))) wait.name = thread.name;
  return wait;
}

ThreadWait WaitNamer::OfState(const ProcessStat& process, const ThreadLook& thread) {
  if (thread.state == 'T') {
    char text[1024];
    const std::string path = ProcFile(process.pid, "stat");
    return {{},
            Stopped(StopSignal(ReadSmall(AT_FDCWD, path.c_str(), text, sizeof text - 1))),
            Explains::Stopped,
            {}};
  }
  if (thread.state == 't') return {{}, "is held by a debugger", Explains::Stopped, {}};
  if (thread.state == 'R') return {{}, "runs", Explains::Runs, {}};
  if (thread.problem != 0)
    return {{},
            std::string("does what cannot be read (") + strerror(thread.problem) + ")",
            Explains::Unknown,
            {}};
  const CallNumbers* numbers = NativeCalls();
  if (!thread.call || numbers == nullptr)
    return {{},
            "waits for what cannot be read: it is in no system call, or a 32-bit program",
            Explains::Unknown,
            {}};
  const TimedCall timed = TakeLimit(*thread.call, *numbers);
  Asked asked{process, thread, timed.without_limit, {}};
  if (timed.limit) {
    asked.end = ", each time for at most " + Milliseconds(*timed.limit);
  } else if (timed.timed) {
    asked.end = ", with a time limit";
  }
  ThreadWait wait = OfCall(asked);
  wait.does += asked.end;
  return wait;
}

ThreadWait WaitNamer::OfCall(const Asked& asked) {
  const CallNumbers& numbers = *NativeCalls();
  const auto call = DecodeUntimed(asked.call, numbers);
  if (asked.thread.state == 'D' && !(call && call->kind == Kind::ForkedChild)) {
    char text[64];
    const std::string path = ProcFile(asked.process.pid, "wchan");
    std::string_view where = ReadSmall(AT_FDCWD, path.c_str(), text, sizeof text - 1);
    std::string does = "waits for the disk or another device, and cannot be interrupted (state D";
    if (!where.empty() && where != "0") does += " in " + std::string(where);
    does += ")";
    const bool by_descriptor = call && (call->kind == Kind::Read || call->kind == Kind::Write);
    if (by_descriptor)
      does +=
          ", at " +
          PathTail(DescriptorTarget(asked.process.pid, std::to_string(call->descriptor).c_str()), kPathBytes);
    return {{}, does, Explains::Disk, {}};
  }
  if (call) {
    if (auto wait = OfUntimed(asked, *call)) return *wait;
  }
  if (auto sleep = OfSleep(asked)) return *sleep;
  if (WaitsForSignals(asked.call, numbers)) return Waits("a signal", Explains::Other);
  for (const DescriptorCall& each : kDescriptorCalls) {
    if (each.number == asked.call.number)
      return OfDescriptor(asked, each.what, AsInt(asked.call.arguments[0]), each.writes);
  }
  if (asked.call.number == SYS_openat)
    return Waits("the other end of a FIFO, or for a device, that it opens", Explains::Pipe);
  return {{}, "waits in system call " + std::to_string(asked.call.number), Explains::Other, {}};
}

std::optional<ThreadWait> WaitNamer::OfUntimed(const Asked& asked, const UntimedCall& call) {
  switch (call.kind) {
    case Kind::Futex:
      return OfLock(asked);
    case Kind::Children:
    case Kind::ForkedChild:
      return OfChildren(asked, call);
    case Kind::Read:
      return OfDescriptor(asked, "data from ", call.descriptor, false);
    case Kind::Write:
      return OfDescriptor(asked, "room in ", call.descriptor, true);
    case Kind::Poll:
    case Kind::Select:
      if (call.count == 0) return std::nullopt;
      return OfPolled(asked, call);
    case Kind::Epoll:
      return OfPolled(asked, call);
    case Kind::FileLock:
      return OfFileLock(asked, call);
  }
  return std::nullopt;
}

ThreadWait WaitNamer::OfChildren(const Asked& asked, const UntimedCall& call) {
  std::vector<int> children;
  for (const ProcessStat& other : scope_.tree) {
    if (other.parent != asked.process.pid || IsZombie(other)) continue;
    if (call.child <= 0 || call.child == other.pid) children.push_back(other.pid);
  }
  if (children.empty()) return Waits("the end of a child that is not to be seen", Explains::Unknown);
  std::string text = children.size() == 1 ? "the end of its child " : "the end of one of its children ";
  for (size_t index = 0; index < std::min(kMostHolders, children.size()); ++index)
    text += (index == 0 ? "" : ", ") + NameOf(children[index]);
  if (children.size() > kMostHolders)
    text += " and " + std::to_string(children.size() - kMostHolders) + " more";
  return Waits(text, Explains::Tree);
}

ThreadWait WaitNamer::OfLock(const Asked& asked) {
  const bool main = asked.thread.id == asked.process.pid;
  const std::string label = main ? "main" : "thread " + std::to_string(asked.thread.id);
  for (const StackGroup& group : stacks_.groups) {
    if (std::find(group.pids.begin(), group.pids.end(), asked.process.pid) == group.pids.end()) continue;
    for (const ThreadStack& thread : group.threads) {
      if (thread.thread != label || thread.waits.empty()) continue;
      // Who waits for a thread of its own is not what holds it up.
      const bool joins = thread.waits.starts_with("the end of ");
      return Waits(thread.waits, joins ? Explains::Lock : Explains::OwnedLock);
    }
  }
  return Waits("a lock or a signal of another thread (futex)", Explains::Lock);
}

ThreadWait WaitNamer::OfFileLock(const Asked& asked, const UntimedCall& call) {
  const pid_t pid = asked.process.pid;
  const std::string number = std::to_string(call.descriptor);
  const std::string path = PathTail(DescriptorTarget(pid, number.c_str()), kPathBytes);
  const std::string kind = asked.call.number == SYS_flock ? "flock" : "fcntl";
  std::string text = "a lock (" + kind + ") on " + (path.empty() ? "a file" : path);
  if (!locks_) locks_ = ReadWhole("/proc/locks", kLocksBytes);
  const auto inode = DescriptorInfo(pid, number.c_str(), "ino:");
  std::vector<int> holders;
  if (inode) {
    for (const HeldLock& lock : LocksWaitedFor(*locks_, pid, *inode)) {
      const std::vector<int> more = imagebatch::runner::HoldersOf(lock, scope_);
      holders.insert(holders.end(), more.begin(), more.end());
    }
  }
  bool in_tree = false;
  text +=
      holders.empty() ? ", held by a process that cannot be seen here" : ", " + HeldBy(holders, pid, in_tree);
  return Waits(text, Explains::FileLock);
}

ThreadWait WaitNamer::OfPolled(const Asked& asked, const UntimedCall& call) {
  const std::string thread = ProcFile(asked.process.pid, "task/") + std::to_string(asked.thread.id);
  const std::vector<int> descriptors = SomePolledDescriptors(asked.process.pid, thread, call);
  if (descriptors.empty()) return Waits("one of several things that cannot be read (poll)", Explains::Other);
  std::vector<Object> objects;
  constexpr size_t kMostLookedAt = 32;
  for (size_t index = 0; index < std::min(kMostLookedAt, descriptors.size()); ++index) {
    Object object = Behind(asked.process, descriptors[index], false);
    if (std::none_of(objects.begin(), objects.end(),
                     [&object](const Object& one) { return one.text == object.text; }))
      objects.push_back(std::move(object));
  }
  std::stable_sort(objects.begin(), objects.end(),
                   [](const Object& one, const Object& other) { return one.explains < other.explains; });
  std::string text = objects.front().text;
  for (size_t index = 1; index < std::min(kMostPolled, objects.size()); ++index)
    text += " or " + objects[index].text;
  if (objects.size() > kMostPolled)
    text += " or one of " + std::to_string(descriptors.size() - kMostPolled) + " others";
  return Waits(text, objects.front().explains);
}

std::optional<ThreadWait> WaitNamer::OfSleep(const Asked& asked) {
  const CallNumbers& numbers = *NativeCalls();
  ThreadWait wait{{}, "sleeps", Explains::Time, {}};
  const bool polls_nothing = asked.call.number == numbers.poll || asked.call.number == numbers.ppoll ||
                             asked.call.number == numbers.select || asked.call.number == numbers.pselect6;
  if (polls_nothing || asked.call.number == SYS_restart_syscall) return wait;
  if (!Sleeps(asked.call, numbers)) return std::nullopt;
  const bool by_clock = asked.call.number == numbers.clock_nanosleep;
  const bool until = by_clock && asked.call.arguments[1] != 0;
  if (until && asked.call.arguments[0] != CLOCK_MONOTONIC) return wait;
  const Descriptor file(open(ProcFile(asked.process.pid, "mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.Open()) return wait;
  ProcessMemory memory(file);
  const auto time = memory.Get<std::array<int64_t, 2>>(asked.call.arguments[by_clock ? 2 : 0]);
  constexpr int64_t kForever = 1'000'000'000, kNanoseconds = 1'000'000'000;
  if (!time || (*time)[0] < 0 || (*time)[1] < 0 || (*time)[1] >= kNanoseconds) return wait;
  if ((*time)[0] >= kForever) {
    wait.does = "sleeps for ever";
  } else if (until) {
    const auto left = std::chrono::seconds((*time)[0]) - std::chrono::steady_clock::now().time_since_epoch();
    if (left >= std::chrono::seconds(1))
      wait.does =
          "sleeps, with " + Milliseconds(std::chrono::duration_cast<std::chrono::seconds>(left)) + " to go";
  } else {
    wait.does = "sleeps " +
                Milliseconds(std::chrono::milliseconds((*time)[0] * 1000 + (*time)[1] / 1'000'000)) +
                " at a time";
  }
  return wait;
}

ThreadWait WaitNamer::OfDescriptor(const Asked& asked, const std::string& what, int descriptor, bool writes) {
  const Object object = Behind(asked.process, descriptor, writes);
  return Waits(what + object.text, object.explains);
}

WaitNamer::Object WaitNamer::Behind(const ProcessStat& process, int descriptor, bool writes) {
  const std::string number = std::to_string(descriptor);
  const std::string target = DescriptorTarget(process.pid, number.c_str());
  if (target.empty()) return {"descriptor " + number + ", which cannot be read", Explains::Unknown};
  if (const auto inode = InodeOf(target, "socket:[")) return OfSocket(process, *inode);
  if (InodeOf(target, "pipe:[")) return OfPipe(process, number, writes);
  if (IsTerminal(target)) return {"the terminal " + target, Explains::Terminal};
  if (target.find("pidfd") != std::string::npos) {
    const auto pid = static_cast<int>(DescriptorInfo(process.pid, number.c_str(), "Pid:").value_or(0));
    return {"the end of " + (pid > 0 ? NameOf(pid) : std::string("a process")), Explains::Tree};
  }
  if (target.starts_with("anon_inode:")) {
    std::string_view kind = std::string_view(target).substr(11);
    if (kind.starts_with('[') && kind.ends_with(']')) kind = kind.substr(1, kind.size() - 2);
    return {std::string(kind == "timerfd"    ? "a timer"
                        : kind == "signalfd" ? "a signal"
                                             : "an ") +
                (kind == "timerfd" || kind == "signalfd" ? "" : std::string(kind)),
            Explains::Other};
  }
  return {PathTail(target, kPathBytes), Explains::Other};
}

WaitNamer::Object WaitNamer::OfPipe(const ProcessStat& process, const std::string& number, bool writes) {
  const auto end = PipeEndAt(ProcFile(process.pid, "fd/"), number.c_str());
  if (!end) return {"a pipe", Explains::Pipe};
  if (!pipes_) pipes_.emplace(scope_);
  const bool to_write = writes || !end->reads;
  const std::vector<int> holders = to_write ? pipes_->Readers(end->inode) : pipes_->Writers(end->inode);
  if (holders.empty()) return {"a pipe, its other end held by nobody that can be seen here", Explains::Pipe};
  bool in_tree = false;
  const std::string held = HeldBy(holders, process.pid, in_tree);
  return {"a pipe, its other end " + held, in_tree ? Explains::Tree : Explains::Pipe};
}

WaitNamer::Object WaitNamer::OfSocket(const ProcessStat& process, uint64_t inode) {
  const SocketName name = sockets_.Of(process.pid, inode);
  if (name.listens) return {name.text, Explains::Other};
  if (name.holders.empty()) return {name.text, Explains::Socket};
  bool in_tree = false;
  const std::string held = HeldBy(name.holders, process.pid, in_tree);
  return {name.text + ", its other end " + held, in_tree ? Explains::Tree : Explains::Socket};
}

std::string WaitNamer::HeldBy(const std::vector<int>& holders, int self, bool& in_tree) {
  std::set<int> others(holders.begin(), holders.end());
  others.erase(self);
  if (others.empty()) return "held by this process alone";
  std::string text = "held by ";
  size_t named = 0;
  for (int pid : others) {
    in_tree = in_tree || FindProcess(scope_.tree, pid) != nullptr;
    if (named == kMostHolders) continue;
    if (named++ > 0) text += ", ";
    text += NameOf(pid);
  }
  if (others.size() > named) text += " and " + std::to_string(others.size() - named) + " more";
  return text;
}

std::string WaitNamer::NameOf(int pid) const {
  if (pid == getpid()) return "the runner";
  char text[64];
  const std::string_view name = ReadSmall(AT_FDCWD, ProcFile(pid, "comm").c_str(), text, sizeof text - 1);
  const std::string_view shown = name.substr(0, name.find('\n'));
  return "pid " + std::to_string(pid) + (shown.empty() ? "" : " (" + std::string(shown) + ")");
}

}  // namespace imagebatch::runner
