#include "runner/waits/living_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "runner/proc/files.h"
#include "runner/proc/sockets.h"
#include "runner/waits/polled.h"
#include "runner/waits/stacks.h"

namespace imagebatch::runner {
namespace {

using Kind = UntimedCall::Kind;

constexpr size_t kMostThreads = 1024;  // of one process
constexpr size_t kStatusBytes = 8192;

bool HasPosixTimer(const std::string& process) {
  const Descriptor file(open((process + "/timers").c_str(), O_RDONLY | O_CLOEXEC));
  char byte = 0;
  return !file.Open() || read(file.Get(), &byte, 1) != 0;
}

/// A handler of SIGALRM alone is there for an alarm; one of SIGVTALRM beside it, which nobody uses, shows
/// that all signals are handled.
bool HasAlarm(const ThreadStatus& status) { return Catches(status, SIGALRM) && !Catches(status, SIGVTALRM); }

/// Whether a shell has started it and waits for it: what it starts with "&" ignores SIGINT and SIGQUIT
/// (POSIX, Shell Command Language, Signals and Error Handling).
bool InForeground(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/status";
  const auto status = ParseThreadStatus(ReadWhole(path.c_str(), kStatusBytes));
  return status && !Ignores(*status, SIGQUIT) && !Catches(*status, SIGQUIT);
}

/// The process behind a pidfd; -1 where the descriptor is none.
int ProcessBehind(pid_t pid, int descriptor) {
  const std::string number = std::to_string(descriptor);
  if (DescriptorTarget(pid, number.c_str()).find("pidfd") == std::string::npos) return -1;
  return static_cast<int>(DescriptorInfo(pid, number.c_str(), "Pid:").value_or(0));
}

/// A timerfd that is set, by its "it_value: (seconds, nanoseconds)" (proc(5)).
bool IsRunningTimer(pid_t pid, int descriptor) {
  const std::string number = std::to_string(descriptor);
  if (DescriptorTarget(pid, number.c_str()).find("[timerfd]") == std::string::npos) return false;
  const std::string path = "/proc/" + std::to_string(pid) + "/fdinfo/" + number;
  return ReadWhole(path.c_str(), kStatusBytes).find("it_value: (0, 0)") == std::string::npos;
}

}  // namespace

std::vector<hang::LivingProcess> LivingReader::Read(hang::TimePoint now, const Scope& scope,
                                                    const std::vector<hang::WaitingProcess>& dead) {
  if (first_switches_.empty()) first_reading_ = now;
  now_ = now;
  scope_ = &scope;
  std::vector<hang::LivingProcess> living;
  for (const ProcessStat& process : scope.tree) {
    const bool is_dead = std::any_of(dead.begin(), dead.end(), [&process](const hang::WaitingProcess& one) {
      return one.pid == process.pid;
    });
    if (!is_dead && !IsZombie(process)) living.push_back(Look(process));
  }
  pipes_.reset();
  connections_ = {};
  scope_ = nullptr;
  return living;
}

void LivingReader::Clear() { first_switches_.clear(); }

hang::LivingProcess LivingReader::Look(const ProcessStat& process) {
  const std::string directory = "/proc/" + std::to_string(process.pid);
  hang::LivingProcess living{.pid = process.pid};
  living.limit_ahead = HasPosixTimer(directory);
  const bool is_go = IsGoProgram(directory + "/exe");
  const std::vector<Thread> threads = Threads(process, is_go, living.limit_ahead);
  if (threads.empty() || threads.size() != process.threads) {
    living.limit_ahead = true;
    return living;
  }
  if (HasAlarm(threads.front().status)) living.limit_ahead = true;
  const auto waits_for_time = [this](const Thread& thread) {
    if (!thread.in_call) return false;
    if (Sleeps(thread.call, *numbers_)) return true;
    const auto call = DecodeUntimed(thread.call, *numbers_);
    if (!call) return false;
    const bool polls = call->kind == Kind::Poll || call->kind == Kind::Select;
    return call->kind == Kind::Futex || (thread.timed && polls && call->count == 0);
  };
  living.sleeps =
      std::all_of(threads.begin(), threads.end(), waits_for_time) &&
      std::any_of(threads.begin(), threads.end(), [](const Thread& thread) { return thread.timed; });
  for (const Thread& thread : threads) AddAwaited(process, thread, is_go, living);
  return living;
}

std::vector<LivingReader::Thread> LivingReader::Threads(const ProcessStat& process, bool is_go,
                                                        bool& limit_ahead) {
  const std::string tasks = "/proc/" + std::to_string(process.pid) + "/task/";
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(tasks.c_str()), closedir);
  std::vector<Thread> threads;
  if (!entries || numbers_ == nullptr) return threads;
  while (const dirent* entry = readdir(entries.get())) {
    if (entry->d_name[0] == '.') continue;
    if (threads.size() == kMostThreads) return {};
    Thread thread{.directory = tasks + entry->d_name, .status = {}, .call = {}};
    const auto status = ParseThreadStatus(ReadWhole((thread.directory + "/status").c_str(), kStatusBytes));
    if (!status) return {};
    thread.status = *status;
    char text[256];
    const std::string path = thread.directory + "/syscall";
    const auto call = ParseSystemCall(ReadSmall(AT_FDCWD, path.c_str(), text, sizeof text - 1));
    const auto [first, unseen] = first_switches_.try_emplace({process.pid, entry->d_name}, status->switches);
    if (call) {
      const TimedCall taken = TakeLimit(*call, *numbers_);
      thread.in_call = true;
      thread.call = taken.without_limit;
      thread.timed = taken.timed || Sleeps(*call, *numbers_);
      thread.stands = first->second == status->switches;
      const bool housekeeping = is_go && call->number == numbers_->futex;
      const bool longer = taken.limit && *taken.limit > now_ - first_reading_;
      if (thread.timed && !housekeeping && (thread.stands || longer)) limit_ahead = true;
    }
    threads.push_back(std::move(thread));
  }
  return threads;
}

void LivingReader::AddAwaited(const ProcessStat& process, const Thread& thread, bool is_go,
                              hang::LivingProcess& living) {
  if (!thread.in_call) return;
  const auto call = DecodeUntimed(thread.call, *numbers_);
  if (call && (call->kind == Kind::Children || call->kind == Kind::ForkedChild)) {
    AddChildren(process, *call, living);
    return;
  }
  if (call) AddDescriptors(process, *call, thread, living);
  // Go's runtime handles the signal and does nothing with it.
  if (is_go || !IsToldOfChildren(process, thread) || Connected(process)) return;
  living.awaits.push_back(LivingChildren(process));
}

bool LivingReader::IsToldOfChildren(const ProcessStat& process, const Thread& thread) const {
  const bool for_signals = WaitsForSignals(thread.call, *numbers_);
  const auto call = DecodeUntimed(thread.call, *numbers_);
  const bool polls =
      call && (call->kind == Kind::Poll || call->kind == Kind::Select || call->kind == Kind::Epoll);
  if (!for_signals && !polls) return false;
  // Blocked, it comes through a signalfd or is waited for.
  ThreadStatus told{.caught = thread.status.caught | thread.status.blocked};
  if (thread.call.number == numbers_->rt_sigtimedwait) {
    told.caught |= AwaitedSignals(process.pid, thread.call).value_or(0);
  }
  return Catches(told, SIGCHLD);
}

/// Who waits for any child of several waits for all of them, but a shell: it does not ask for those in the
/// background.
void LivingReader::AddChildren(const ProcessStat& process, const UntimedCall& call,
                               hang::LivingProcess& living) const {
  int child = call.child;
  if (call.child_descriptor >= 0) child = ProcessBehind(process.pid, call.child_descriptor);
  if (child > 0) {
    living.awaits.push_back({child});
    return;
  }
  if (call.child_descriptor >= 0) return;
  const std::vector<int> children = LivingChildren(process);
  living.awaits.push_back(children);
  if (children.size() < 2) return;
  for (int pid : children) {
    if (InForeground(pid)) living.awaits.push_back({pid});
  }
}

void LivingReader::AddDescriptors(const ProcessStat& process, const UntimedCall& call, const Thread& thread,
                                  hang::LivingProcess& living) {
  std::vector<int> descriptors;
  if (call.kind == Kind::Read || call.kind == Kind::Write) descriptors = {call.descriptor};
  if (call.kind == Kind::Poll || call.kind == Kind::Select || call.kind == Kind::Epoll) {
    descriptors = SomePolledDescriptors(process.pid, thread.directory, call);
  }
  std::vector<std::vector<int>> awaits;
  for (int descriptor : descriptors) {
    if (thread.stands && IsRunningTimer(process.pid, descriptor)) living.limit_ahead = true;
    if (const int child = ProcessBehind(process.pid, descriptor); child > 0) awaits.push_back({child});
    const auto end = PipeEndAt(thread.directory + "/fd/", std::to_string(descriptor).c_str());
    if (!end) continue;
    if (end->reads && call.kind != Kind::Write) awaits.push_back(Pipes().Writers(end->inode));
    if (end->writes && call.kind != Kind::Read) awaits.push_back(Pipes().Readers(end->inode));
  }
  if (awaits.empty()) return;
  if (descriptors.size() > 1) {
    if (Connected(process)) return;
    const std::vector<int> children = LivingChildren(process);
    for (std::vector<int>& who : awaits) {
      if (!who.empty()) who.insert(who.end(), children.begin(), children.end());
    }
  }
  living.awaits.insert(living.awaits.end(), awaits.begin(), awaits.end());
}

std::vector<int> LivingReader::LivingChildren(const ProcessStat& process) const {
  std::vector<int> children;
  for (const ProcessStat& other : scope_->tree) {
    if (other.parent == process.pid && !IsZombie(other)) children.push_back(other.pid);
  }
  return children;
}

bool LivingReader::Connected(const ProcessStat& process) {
  return connections_.HeldBy({process}).value_or(1) > 0;
}

const PipeHolders& LivingReader::Pipes() {
  if (!pipes_) pipes_.emplace(*scope_);
  return *pipes_;
}

}  // namespace imagebatch::runner
