#include "runner/traffic/socket_waits.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "runner/proc/descriptors.h"
#include "runner/proc/files.h"
#include "runner/waits/polled.h"
#include "runner/waits/stacks.h"

namespace imagebatch::runner {
namespace {

using Kind = UntimedCall::Kind;

constexpr size_t kStatusBytes = 8192;
/// Fewer wake-ups in a look are one message: some stop more than once for it.
constexpr uint64_t kMany = 3;
constexpr int64_t kEventBytes = 8;  // what a read of an eventfd gives

/// Go, Node and the JVM read sockets by read().
bool ReadsSockets(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/exe";
  char target[4096];
  const ssize_t length = readlink(path.c_str(), target, sizeof target);
  std::string_view name(target, length > 0 ? static_cast<size_t>(length) : 0);
  name.remove_prefix(name.rfind('/') + 1);
  return name == "node" || name == "java" || IsGoProgram(path);
}

bool IsSocket(pid_t pid, int descriptor) {
  return DescriptorTarget(pid, std::to_string(descriptor).c_str()).starts_with("socket:");
}

/// An eventfd or a pipe, by which the threads of a process wake each other.
bool IsSignal(pid_t pid, int descriptor) {
  const std::string target = DescriptorTarget(pid, std::to_string(descriptor).c_str());
  return target.starts_with("pipe:") || target == "anon_inode:[eventfd]";
}

/// What is left of it in a look is a message; what is less than nothing is none.
uint64_t Rest(int64_t before, int64_t now) { return now > before ? static_cast<uint64_t>(now - before) : 0; }

}  // namespace

std::optional<SocketWaits::Io> SocketWaits::ReadIo(pid_t pid) {
  char text[1024];
  const std::string path = "/proc/" + std::to_string(pid) + "/io";
  const std::string_view io = ReadSmall(AT_FDCWD, path.c_str(), text, sizeof text - 1);
  const auto value = [io](std::string_view key) {
    return static_cast<int64_t>(ValueOf(io, key).value_or(0));
  };
  if (!ValueOf(io, "rchar:")) return std::nullopt;
  return Io{.read = value("rchar:") - kEventBytes * value("syscr:"),
            .written = value("wchar:") - kEventBytes * value("syscw:")};
}

std::optional<uint64_t> VoluntarySwitches(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    if (TakeUntil(line, '\t') != "voluntary_ctxt_switches:") continue;
    uint64_t value = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), value).ec == std::errc()) return value;
  }
  return std::nullopt;
}

void SocketWaits::Look(hang::TimePoint now, const ProcessStat& process, const std::set<int>& descriptors) {
  if (numbers_ == nullptr || (processes_.size() >= kProcesses && !processes_.contains(process.pid))) return;
  Process& known = processes_[process.pid];
  std::map<std::string, Thread> threads = Threads(process, descriptors);
  const std::optional<Io> io = ReadIo(process.pid);
  if (known.start_ticks != process.start_ticks) {
    known = {};
    known.start_ticks = process.start_ticks;
    known.reads = ReadsSockets(process.pid);
    const uint64_t id = static_cast<uint64_t>(process.pid) << 32 ^ process.start_ticks << 1;
    // Beside those of TCP, which are inodes: 32 bits.
    known.counted = {.id = id | uint64_t{1} << 63, .peer = id, .received = 0, .exact = false};
    known.blind = {.id = (id | uint64_t{1} << 63) + 1, .peer = id};
  } else {
    known.present = true;
    const bool waits =
        std::any_of(threads.begin(), threads.end(), [](const auto& thread) { return thread.second.waits; });
    // It is at work on what came: once it waits again, that is seen.
    if (!waits && !known.reads) {
      working_ = true;
      return;
    }
    const auto passed = now - known.looked;
    const Woken woken = Compare(known, threads, now);
    const bool both = io && known.io;
    const uint64_t grown = both ? Rest(known.io->read, io->read) : 0;
    if (both) known.counted.sent += Rest(known.io->written, io->written);
    const auto blur = std::chrono::ceil<hang::Duration>(passed);
    if (grown > 0 && (known.reads || (woken.any && !woken.only_receives))) {
      *known.counted.received += grown;
      known.counted.last = now;
      known.counted.blur = blur;
      ++known.counted.messages;
    } else if (!known.reads && woken.sure + woken.unsure > 0) {
      const uint64_t count = woken.sure > 0 ? woken.sure : woken.unsure;
      known.blind.messages += count < kMany ? 1 : count;
      known.blind.last = now;
      known.blind.blur = blur;
      known.blind.sure = woken.sure > 0;
    }
  }
  known.looked = now;
  for (auto& [id, thread] : threads) {
    const auto before = known.threads.find(id);
    const bool works = before != known.threads.end() && before->second.waits && !thread.waits;
    thread.looked = now;
    if (works) thread = before->second;  // likewise
  }
  known.threads = std::move(threads);
  known.io = io;
  known.present = true;
}

void SocketWaits::Collect(std::vector<hang::Connection>& connections) {
  at_work_ = std::exchange(working_, false);
  for (auto each = processes_.begin(); each != processes_.end();) {
    if (!each->second.present) {
      each = processes_.erase(each);
      continue;
    }
    each->second.present = false;
    connections.push_back(each->second.counted);
    connections.push_back(each->second.blind);
    ++each;
  }
}

SocketWaits::Woken SocketWaits::Compare(const Process& before, std::map<std::string, Thread>& threads,
                                        hang::TimePoint now) {
  Woken woken;
  for (auto& [id, thread] : threads) {
    if (!thread.waits) continue;
    if (!thread.by_receive) woken.only_receives = false;
    const auto known = before.threads.find(id);
    if (known == before.threads.end()) {
      woken.any = true;
      continue;
    }
    const uint64_t by_itself = WokenByTime(known->second, thread, now);
    const uint64_t switches = thread.switches - std::min(thread.switches, known->second.switches);
    if (switches == 0) continue;
    woken.any = true;
    if (!known->second.waits || thread.by_read) continue;
    const bool sure = thread.alone && (!thread.timed || thread.limit);
    (sure ? woken.sure : woken.unsure) += switches - std::min(switches, by_itself);
  }
  return woken;
}

/// How many wake-ups the time limit of a call may explain: one for each time that it has passed, and one for
/// the call that was under way when it was first seen. Of a thread that was seen without a limit at both ends
/// of a look, earlier limits explain nothing.
uint64_t SocketWaits::WokenByTime(const Thread& before, Thread& thread, hang::TimePoint now) {
  if (before.limit && thread.timed)
    thread.limit = std::min(thread.limit.value_or(*before.limit), *before.limit);
  const auto limit = thread.timed ? thread.limit : before.limit;
  if (!limit || limit->count() <= 0) return 0;
  const std::chrono::duration<double, std::milli> passed = now - before.looked;
  thread.expiries = std::min(before.expiries, 1.0) + passed / *limit;
  const uint64_t switches = thread.switches - std::min(thread.switches, before.switches);
  const auto explained = std::min(switches, static_cast<uint64_t>(thread.expiries));
  thread.expiries -= static_cast<double>(explained);
  return explained;
}

std::map<std::string, SocketWaits::Thread> SocketWaits::Threads(const ProcessStat& process,
                                                                const std::set<int>& descriptors) const {
  std::map<std::string, Thread> threads;
  const std::string tasks = "/proc/" + std::to_string(process.pid) + "/task/";
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(tasks.c_str()), closedir);
  if (!entries) return threads;
  while (const dirent* entry = readdir(entries.get())) {
    if (entry->d_name[0] == '.') continue;
    if (threads.size() == kThreads) break;
    threads[entry->d_name] = LookAt(process, tasks + entry->d_name, descriptors);
  }
  return threads;
}

SocketWaits::Thread SocketWaits::LookAt(const ProcessStat& process, const std::string& directory,
                                        const std::set<int>& descriptors) const {
  Thread thread;
  char text[kStatusBytes + 1];
  std::string path = directory + "/status";
  thread.switches = VoluntarySwitches(ReadSmall(AT_FDCWD, path.c_str(), text, kStatusBytes)).value_or(0);
  path = directory + "/syscall";
  const std::string_view call_text = ReadSmall(AT_FDCWD, path.c_str(), text, kStatusBytes);
  if (call_text.empty()) {
    // Not for us to see: it may wait on anything, with any limit.
    thread.waits = thread.timed = true;
    return thread;
  }
  const auto call = ParseSystemCall(call_text);
  if (!call) return thread;
  if (Receives(*call, *numbers_)) {
    thread.waits = descriptors.contains(static_cast<int>(call->arguments[0]));
    thread.by_receive = thread.alone = true;
    return thread;
  }
  const TimedCall taken = TakeLimit(*call, *numbers_);
  const auto untimed = DecodeUntimed(taken.without_limit, *numbers_);
  if (!untimed) return thread;
  thread.timed = taken.timed;
  thread.limit = taken.limit;
  if (untimed->kind == Kind::Read) {
    thread.by_read = true;
    thread.waits = descriptors.contains(untimed->descriptor);
    return thread;
  }
  if (untimed->kind != Kind::Poll && untimed->kind != Kind::Select && untimed->kind != Kind::Epoll)
    return thread;
  thread.alone = true;
  for (int descriptor : SomePolledDescriptors(process.pid, directory, *untimed)) {
    if (descriptors.contains(descriptor)) {
      thread.waits = true;
    } else if (!IsSocket(process.pid, descriptor) &&
               (process.threads > 1 || !IsSignal(process.pid, descriptor))) {
      thread.alone = false;
    }
  }
  return thread;
}

}  // namespace imagebatch::runner
