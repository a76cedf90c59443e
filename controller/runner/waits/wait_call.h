#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace imagebatch::runner {

/// The system call a thread is in.
struct SystemCall {
  long number = 0;
  std::array<uint64_t, 6> arguments{};
};

/// Reads /proc/PID/task/TID/syscall (proc(5)). Nothing for a thread that runs, waits outside of system calls
/// (a page, a debugger), or belongs to a 32-bit program, whose calls have other numbers: its stack lies below
/// 4 GiB.
std::optional<SystemCall> ParseSystemCall(std::string_view text);

/// The numbers of the calls in which a thread may wait.
struct CallNumbers {
  static constexpr long kNone = -1;  // not on this architecture
  long read, readv, write, writev;
  long recvfrom, recvmsg, recvmmsg;
  long poll, ppoll, select, pselect6;
  long epoll_wait, epoll_pwait, epoll_pwait2;
  long futex;
  long wait4, waitid, vfork, clone;
  long flock, fcntl;
  long nanosleep, clock_nanosleep;
  long rt_sigtimedwait, rt_sigsuspend, pause;
};

/// arch/x86/entry/syscalls/syscall_64.tbl
inline constexpr CallNumbers kX86_64Calls = {.read = 0,
                                             .readv = 19,
                                             .write = 1,
                                             .writev = 20,
                                             .recvfrom = 45,
                                             .recvmsg = 47,
                                             .recvmmsg = 299,
                                             .poll = 7,
                                             .ppoll = 271,
                                             .select = 23,
                                             .pselect6 = 270,
                                             .epoll_wait = 232,
                                             .epoll_pwait = 281,
                                             .epoll_pwait2 = 441,
                                             .futex = 202,
                                             .wait4 = 61,
                                             .waitid = 247,
                                             .vfork = 58,
                                             .clone = 56,
                                             .flock = 73,
                                             .fcntl = 72,
                                             .nanosleep = 35,
                                             .clock_nanosleep = 230,
                                             .rt_sigtimedwait = 128,
                                             .rt_sigsuspend = 130,
                                             .pause = 34};
/// include/uapi/asm-generic/unistd.h
inline constexpr CallNumbers kArm64Calls = {.read = 63,
                                            .readv = 65,
                                            .write = 64,
                                            .writev = 66,
                                            .recvfrom = 207,
                                            .recvmsg = 212,
                                            .recvmmsg = 243,
                                            .poll = CallNumbers::kNone,
                                            .ppoll = 73,
                                            .select = CallNumbers::kNone,
                                            .pselect6 = 72,
                                            .epoll_wait = CallNumbers::kNone,
                                            .epoll_pwait = 22,
                                            .epoll_pwait2 = 441,
                                            .futex = 98,
                                            .wait4 = 260,
                                            .waitid = 95,
                                            .vfork = CallNumbers::kNone,
                                            .clone = 220,
                                            .flock = 32,
                                            .fcntl = 25,
                                            .nanosleep = 101,
                                            .clock_nanosleep = 115,
                                            .rt_sigtimedwait = 137,
                                            .rt_sigsuspend = 133,
                                            .pause = CallNumbers::kNone};

/// Those of the machine this runs on; null for other architectures, where nothing can be proved.
const CallNumbers* NativeCalls();

/// A wait without a time limit, as far as the call's arguments tell.
struct UntimedCall {
  enum class Kind { Futex, Children, ForkedChild, Read, Write, Poll, Select, Epoll, FileLock };
  Kind kind;
  int descriptor = -1;             // Read, Write, Epoll, FileLock
  bool process_private = false;    // Futex: the kernel was told that no other process knows it
  uint64_t address = 0;            // Futex: the word; Poll: the array of pollfd
  uint64_t count = 0;              // Poll: descriptors; Select: the highest one and one
  std::array<uint64_t, 3> sets{};  // Select: the three sets; 0: none
  int child = -1;                  // Children: the one that is meant; -1: any
  int child_descriptor = -1;       // Children: a pidfd of the one that is meant
};

/// Nothing for a call with a time limit, and for all calls that are none of these.
std::optional<UntimedCall> DecodeUntimed(const SystemCall& call, const CallNumbers& numbers);

/// A call as it would be without a time limit, and what that limit was.
struct TimedCall {
  SystemCall without_limit;
  bool timed = false;
  std::optional<std::chrono::milliseconds> limit;  // from the start of the call, where its arguments say it
};
TimedCall TakeLimit(const SystemCall& call, const CallNumbers& numbers);

/// Whether the call waits for time alone, or for a signal.
bool Sleeps(const SystemCall& call, const CallNumbers& numbers);
/// Whether the call receives from a socket; its first argument is that.
bool Receives(const SystemCall& call, const CallNumbers& numbers);
bool WaitsForSignals(const SystemCall& call, const CallNumbers& numbers);

}  // namespace imagebatch::runner
