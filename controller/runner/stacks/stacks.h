#pragma once
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "runner/proc/process_tree.h"

namespace imagebatch::runner {

/// Where a thread is, or several that are in the same place. Texts are printable and bounded, secrets masked.
struct ThreadStack {
  std::string thread;  // "main", "thread 123", "5 threads"
  std::string at;      // Python's frames, innermost first; empty: it runs no Python
  std::string waits;   // for a lock, and who holds it; empty: for none that is known
  /// What of `at` is the same in equal hangs: see DescribePlace(). Empty where `at` is, and for a thread
  /// other than the main one that waits with a time limit.
  std::string place = {};
};

/// Processes whose stacks read the same.
struct StackGroup {
  std::vector<pid_t> pids;
  std::string python;  // "3.11.2"; empty: no Python
  std::vector<ThreadStack> threads;
  size_t more_threads = 0;  // that ran meanwhile, could not be read, or are too many
};

struct Stacks {
  std::vector<StackGroup> groups;     // in the order of the tree
  std::vector<std::string> not_read;  // what could not be read, and why: one sentence each
};

/// Limits of what CollectStacks() returns.
inline constexpr size_t kMostStackGroups = 24;
inline constexpr size_t kMostStacksOfGroup = 16;
inline constexpr size_t kStackBytes = 640;  // of ThreadStack::at
inline constexpr size_t kWaitBytes = 400;   // of ThreadStack::waits
inline constexpr size_t kPlaceBytes = 320;  // of ThreadStack::place
inline constexpr size_t kMostNotRead = 8;
inline constexpr size_t kNotReadBytes = 200;

/// The longest that it takes, however many processes there are and whatever they do.
inline constexpr std::chrono::seconds kTimeForReading{2};

/// What reading has cost.
struct ReadingCost {
  double cpu_seconds = 0;  // of a child of ours, which nobody else shall count as the build's
  pid_t left = -1;         // that child, where it could not be ended: it waits in the kernel
};

/// The stacks of the processes, and who holds the locks they wait for, read from their memory without their
/// help and without stopping them. A thread that ran meanwhile is left out.
///
/// Memory is opened, and system calls are read, by this process, which is an ancestor of the build (Yama
/// demands it); what is found there is interpreted by a child of ours, so that neither a program that was
/// made to mislead nor a page that never comes can harm or hold up the runner. To be called while this
/// process has one thread.
Stacks CollectStacks(const std::vector<ProcessStat>& processes, ReadingCost& cost);

}  // namespace imagebatch::runner
