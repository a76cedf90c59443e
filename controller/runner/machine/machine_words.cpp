#include "runner/machine/machine_words.h"

#include <algorithm>
#include <cstdint>

namespace imagebatch::runner {
namespace {

constexpr uint64_t kMiB = uint64_t{1024} * 1024;
/// Less than both is full: tools give up, or wait for somebody to make room, before the last byte is gone.
constexpr uint64_t kFullBytes = 16 * kMiB, kFullPart = 100;
/// Shares of the last minute, in percent, in which nobody got on. Far above what a busy build does to itself.
constexpr double kMemoryFull = 50, kIoFull = 80;
/// Of the periods of the CPU limit.
constexpr uint64_t kThrottledPercent = 90, kLeastPeriods = 100;
constexpr size_t kPathBytes = 100;

std::string Percent(double share) { return std::to_string(static_cast<int>(share)) + " %"; }

std::string Full(const FileSystem& of) {
  const std::string at = "the file system at " + of.path.substr(0, kPathBytes);
  if (of.free_bytes < std::min(kFullBytes, of.size_bytes / kFullPart))
    return at + " is full (" + std::to_string(of.free_bytes / kMiB) + " MiB of " +
           std::to_string(of.size_bytes / kMiB) + " MiB free)";
  if (of.inodes > 0 && of.free_inodes == 0)
    return at + " has no inodes left (of " + std::to_string(of.inodes) + ")";
  return "";
}

}  // namespace

std::string WhatExplains(const Machine& machine) {
  for (const FileSystem& file_system : machine.file_systems) {
    if (std::string full = Full(file_system); !full.empty()) return full;
  }
  const uint64_t kills = machine.counts.out_of_memory_kills.value_or(0);
  if (kills > 0)
    return "the kernel has killed " + std::to_string(kills) + (kills == 1 ? " process" : " processes") +
           " of the container for lack of memory";
  const std::string whose = machine.of_container ? "the container's" : "the machine's";
  if (machine.memory && machine.memory->full >= kMemoryFull)
    return whose + " processes waited for memory in " + Percent(machine.memory->full) + " of the last minute";
  if (machine.io && machine.io->full >= kIoFull)
    return whose + " processes waited for the disk in " + Percent(machine.io->full) + " of the last minute";
  const uint64_t periods = machine.counts.periods.value_or(0),
                 throttled = machine.counts.throttled_periods.value_or(0);
  if (periods >= kLeastPeriods && throttled * 100 / periods >= kThrottledPercent)
    return "the container's CPU limit held it back in " + std::to_string(throttled * 100 / periods) +
           " % of the time";
  return "";
}

}  // namespace imagebatch::runner
