#include "runner/watch.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace imagebatch::runner {
namespace {

/// Descendants that have been waited for, by us or by their parents below us.
rusage ReapedUsage() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return usage;
}

}  // namespace

void Watch::LeaveOut(double cpu_seconds, pid_t process) {
  own_seconds_ += cpu_seconds;
  if (process > 0) tree_.LeaveOut(process);
}

double Watch::ReapedSeconds() const {
  const rusage usage = ReapedUsage();
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return std::max(0.0, seconds(usage.ru_utime) + seconds(usage.ru_stime) - own_seconds_);
}

double Watch::LivingSeconds() const {
  return static_cast<double>(tree_.Totals().ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void Watch::Sample(hang::TimePoint now, const OutputCounts& output, uint64_t own_network_bytes) {
  tree_.Walk();
  traffic_.Look(now, tree_.Processes(), own_network_bytes);
  LookAtProcesses(now, output);
  Count(now, output);
}

void Watch::LookAtProcesses(hang::TimePoint now, const OutputCounts& output) {
  const double passed = std::chrono::duration<double>(now - last_look_).count();
  last_look_ = now;
  commands_.Look(tree_.Processes(), LivingSeconds() + ReapedSeconds(), passed, now);
  printers_.Look(tree_.Processes(), output.bytes, output.said.ticks > said_.ticks, !commands_.IsExactPoll());
  said_ = output.said;
}

void Watch::Count(hang::TimePoint now, const OutputCounts& output) {
  const TreeTotals& totals = tree_.Totals();
  hang::Sample sample;
  sample.at = now;
  sample.output_bytes = output.bytes;
  sample.output_lines = output.lines;
  sample.said = output.said;
  sample.signs = output.signs;
  if (tree_.Readable()) {
    sample.cpu_seconds = LivingSeconds() + ReapedSeconds();
    sample.births = commands_.Births();
    sample.newest_command = commands_.NewestCommand();
    sample.printers_cpu_seconds = printers_.CpuSeconds();
    sample.starved = totals.starved;
  }
  if (totals.io) {
    sample.written_bytes = totals.io->written + fresh_pages_.Add(totals.io->dirtied, totals.page_faults);
    sample.io_bytes = commands_.ReadBytes() + *sample.written_bytes;
  }
  sample.container_cpu_seconds = cgroup_cpu_.Seconds();
  if (sample.container_cpu_seconds) *sample.container_cpu_seconds -= own_seconds_;
  sample.network_bytes = traffic_.InterfaceBytes();
  sample.connections = traffic_.Connections();
  progress_.Add(sample);
  peak_resident_bytes_ = std::max(peak_resident_bytes_, totals.resident_bytes);
  cpu_seconds_ = std::max(cpu_seconds_, sample.cpu_seconds.value_or(0));
  if (sample.container_cpu_seconds) {
    if (!container_start_) container_start_ = sample.container_cpu_seconds;
    cpu_seconds_ = std::max(cpu_seconds_, *sample.container_cpu_seconds - *container_start_);
  }
}

uint64_t Watch::PeakResidentBytes() const {
  return std::max(peak_resident_bytes_, static_cast<uint64_t>(ReapedUsage().ru_maxrss) * 1024);
}

double Watch::CpuSeconds() const { return std::max(cpu_seconds_, ReapedSeconds()); }

}  // namespace imagebatch::runner
