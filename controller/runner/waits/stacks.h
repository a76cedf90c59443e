#pragma once
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "runner/proc/process_tree.h"

namespace imagebatch::runner {

/// So long a program that was asked for its stacks has to print them. Hundreds of threads take a tenth of it.
inline constexpr std::chrono::seconds kTimeForStacks{2};

/// Asks all processes that can print the stacks of their threads to do so, into the build's own log: Java VMs
/// and Go programs by SIGQUIT, Python with faulthandler by SIGABRT. Only those that handle the signal are
/// asked. Many end by it, so this is for a tree that is to be ended. Says how many were asked.
size_t AskForStacks(const std::vector<ProcessStat>& processes);

/// Whether a program file comes from the Go compiler: by its build ID note, or its build information where
/// that has been left out. Reads a bounded part of it.
bool IsGoProgram(const std::string& path);

}  // namespace imagebatch::runner
