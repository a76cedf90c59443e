#include "runner/waits/wait_call.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <charconv>
#include <utility>

#include "runner/proc/proc_text.h"

namespace imagebatch::runner {
namespace {

using Kind = UntimedCall::Kind;

constexpr uint64_t kHighest32BitAddress = 0xFFFF'FFFF;
constexpr int kFutexLockPi2 = 13;  // newer than some headers
constexpr int kOfdSetLockWait = 38;
constexpr uint64_t kWaitForDescriptor = 3;  // P_PIDFD, newer than some headers

#if defined(__x86_64__)
static_assert(kX86_64Calls.futex == SYS_futex && kX86_64Calls.pselect6 == SYS_pselect6 &&
              kX86_64Calls.epoll_pwait == SYS_epoll_pwait && kX86_64Calls.waitid == SYS_waitid &&
              kX86_64Calls.recvfrom == SYS_recvfrom && kX86_64Calls.recvmsg == SYS_recvmsg &&
              kX86_64Calls.recvmmsg == SYS_recvmmsg);
#elif defined(__aarch64__)
static_assert(kArm64Calls.futex == SYS_futex && kArm64Calls.pselect6 == SYS_pselect6 &&
              kArm64Calls.epoll_pwait == SYS_epoll_pwait && kArm64Calls.waitid == SYS_waitid &&
              kArm64Calls.recvfrom == SYS_recvfrom && kArm64Calls.recvmsg == SYS_recvmsg &&
              kArm64Calls.recvmmsg == SYS_recvmmsg);
#endif

bool TakeHex(std::string_view& text, uint64_t& number) {
  std::string_view word = TakeUntil(text, ' ');
  if (!word.starts_with("0x")) return false;
  word.remove_prefix(2);
  const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), number, 16);
  return error == std::errc() && rest == word.data() + word.size();
}

/// An argument that the kernel takes as an int.
int AsInt(uint64_t argument) { return static_cast<int>(static_cast<uint32_t>(argument)); }

std::optional<UntimedCall> DecodeFutex(const SystemCall& call) {
  const int operation = AsInt(call.arguments[1]);
  const bool process_private = (operation & FUTEX_PRIVATE_FLAG) != 0;
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case kFutexLockPi2:
      break;
    case FUTEX_WAIT_REQUEUE_PI:
      // It goes on to wait on another word, of which we know only that it is private too.
      if (!process_private) return std::nullopt;
      break;
    default:
      return std::nullopt;
  }
  if (call.arguments[3] != 0) return std::nullopt;  // the time limit
  return UntimedCall{.kind = Kind::Futex, .process_private = process_private, .address = call.arguments[0]};
}

std::optional<UntimedCall> DecodeFileLock(const SystemCall& call, bool is_flock) {
  const int operation = AsInt(call.arguments[1]);
  const bool waits = is_flock ? (operation & (LOCK_NB | LOCK_UN)) == 0
                              : operation == F_SETLKW || operation == kOfdSetLockWait;
  if (!waits) return std::nullopt;
  return UntimedCall{.kind = Kind::FileLock, .descriptor = AsInt(call.arguments[0])};
}

std::optional<UntimedCall> DecodePoll(const SystemCall& call, bool untimed) {
  if (!untimed) return std::nullopt;
  return UntimedCall{.kind = Kind::Poll, .address = call.arguments[0], .count = call.arguments[1]};
}

std::optional<UntimedCall> DecodeSelect(const SystemCall& call) {
  if (call.arguments[4] != 0) return std::nullopt;  // the time limit
  return UntimedCall{.kind = Kind::Select,
                     .count = call.arguments[0],
                     .sets = {call.arguments[1], call.arguments[2], call.arguments[3]}};
}

std::optional<UntimedCall> DecodeEpoll(const SystemCall& call, bool untimed) {
  if (!untimed) return std::nullopt;
  return UntimedCall{.kind = Kind::Epoll, .descriptor = AsInt(call.arguments[0])};
}

UntimedCall DecodeWait4(const SystemCall& call) {
  UntimedCall wait{.kind = Kind::Children};
  if (const int pid = AsInt(call.arguments[0]); pid > 0) wait.child = pid;
  return wait;
}

UntimedCall DecodeWaitid(const SystemCall& call) {
  UntimedCall wait{.kind = Kind::Children};
  if (call.arguments[0] == P_PID) wait.child = AsInt(call.arguments[1]);
  if (call.arguments[0] == kWaitForDescriptor) wait.child_descriptor = AsInt(call.arguments[1]);
  return wait;
}

}  // namespace

std::optional<SystemCall> ParseSystemCall(std::string_view text) {
  text = TakeUntil(text, '\n');
  const std::string_view first = TakeUntil(text, ' ');
  SystemCall call;
  const auto [rest, error] = std::from_chars(first.data(), first.data() + first.size(), call.number);
  if (error != std::errc() || rest != first.data() + first.size() || call.number < 0) return std::nullopt;
  for (uint64_t& argument : call.arguments) {
    if (!TakeHex(text, argument)) return std::nullopt;
  }
  uint64_t stack_pointer = 0;
  if (!TakeHex(text, stack_pointer) || stack_pointer <= kHighest32BitAddress) return std::nullopt;
  return call;
}

const CallNumbers* NativeCalls() {
#if defined(__x86_64__)
  return &kX86_64Calls;
#elif defined(__aarch64__)
  return &kArm64Calls;
#else
  return nullptr;
#endif
}

std::optional<UntimedCall> DecodeUntimed(const SystemCall& call, const CallNumbers& numbers) {
  const long number = call.number;
  const auto& arguments = call.arguments;
  if (number == numbers.futex) return DecodeFutex(call);
  if (number == numbers.wait4) return DecodeWait4(call);
  if (number == numbers.waitid) return DecodeWaitid(call);
  if (number == numbers.vfork || (number == numbers.clone && (arguments[0] & CLONE_VFORK) != 0)) {
    return UntimedCall{.kind = Kind::ForkedChild};
  }
  if (number == numbers.read || number == numbers.readv) {
    return UntimedCall{.kind = Kind::Read, .descriptor = AsInt(arguments[0])};
  }
  if (number == numbers.write || number == numbers.writev) {
    return UntimedCall{.kind = Kind::Write, .descriptor = AsInt(arguments[0])};
  }
  if (number == numbers.poll) return DecodePoll(call, AsInt(arguments[2]) < 0);
  if (number == numbers.ppoll) return DecodePoll(call, arguments[2] == 0);
  if (number == numbers.select || number == numbers.pselect6) return DecodeSelect(call);
  if (number == numbers.epoll_wait || number == numbers.epoll_pwait) {
    return DecodeEpoll(call, AsInt(arguments[3]) < 0);
  }
  if (number == numbers.epoll_pwait2) return DecodeEpoll(call, arguments[3] == 0);
  if (number == numbers.flock) return DecodeFileLock(call, true);
  if (number == numbers.fcntl) return DecodeFileLock(call, false);
  return std::nullopt;
}

TimedCall TakeLimit(const SystemCall& call, const CallNumbers& numbers) {
  TimedCall timed{.without_limit = call, .timed = false, .limit = std::nullopt};
  auto& arguments = timed.without_limit.arguments;
  const auto take_pointer = [&](size_t index) { timed.timed = std::exchange(arguments[index], 0) != 0; };
  const auto take_milliseconds = [&](size_t index) {
    const int limit = AsInt(std::exchange(arguments[index], 0xFFFF'FFFF));
    timed.timed = limit >= 0;
    if (timed.timed) timed.limit = std::chrono::milliseconds(limit);
  };
  const long number = call.number;
  if (number == numbers.futex || number == numbers.epoll_pwait2) take_pointer(3);
  if (number == numbers.ppoll || number == numbers.rt_sigtimedwait) take_pointer(2);
  if (number == numbers.select || number == numbers.pselect6) take_pointer(4);
  if (number == numbers.poll) take_milliseconds(2);
  if (number == numbers.epoll_wait || number == numbers.epoll_pwait) take_milliseconds(3);
  return timed;
}

bool Sleeps(const SystemCall& call, const CallNumbers& numbers) {
  return call.number == numbers.nanosleep || call.number == numbers.clock_nanosleep;
}

bool Receives(const SystemCall& call, const CallNumbers& numbers) {
  return call.number == numbers.recvfrom || call.number == numbers.recvmsg || call.number == numbers.recvmmsg;
}

bool WaitsForSignals(const SystemCall& call, const CallNumbers& numbers) {
  return call.number == numbers.rt_sigtimedwait || call.number == numbers.rt_sigsuspend ||
         call.number == numbers.pause;
}

}  // namespace imagebatch::runner
