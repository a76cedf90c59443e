#include "runner/proc/counters.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>

#include "runner/proc/proc_text.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kLargestProcFile = size_t{1} << 20;
// A fault dirties a whole folio, which may have many pages.
constexpr uint64_t kMostPerFault = uint64_t{64} * 1024;
// What a container runtime uses in a new cgroup before our program runs is a tenth of it.
constexpr double kFreshSeconds = 2;

Descriptor OpenCounter(const std::string& directory, const char* counter) {
  if (directory.empty()) return {};
  return Descriptor(open((directory + "/" + counter).c_str(), O_RDONLY | O_CLOEXEC));
}

/// Whether the cgroup at `directory` holds no others.
bool Alone(const std::string& directory) {
  const std::string members = ReadWhole((directory + "/cgroup.procs").c_str(), 64);
  const std::string self = std::to_string(getpid()) + "\n";
  const std::string guard = std::to_string(getppid()) + "\n";  // see guard.h
  return members == self || members == guard + self || members == self + guard;
}

/// Kernel threads are visible in the machine's own PID namespace alone.
bool KernelThreadsVisible() {
  char name[32];
  return ReadSmall(AT_FDCWD, "/proc/2/comm", name, sizeof name - 1) == "kthreadd\n";
}

}  // namespace

std::chrono::steady_clock::duration OwnCpu() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

CgroupCpu::CgroupCpu() {
  const std::string mounts = ReadWhole("/proc/self/mountinfo", kLargestProcFile);
  const std::string cgroup = ReadWhole("/proc/self/cgroup", kLargestProcFile);
  for (const bool unified : {false, true}) {
    unified_ = unified;
    const std::string directory = CgroupDirectory(mounts, cgroup, unified ? "" : "cpuacct");
    counter_ = OpenCounter(directory, unified ? "cpu.stat" : "cpuacct.usage");
    // The list last: for that of a whole machine the kernel collects and sorts thousands
    if (counter_.Open() && Seconds().value_or(0) <= kFreshSeconds && Alone(directory)) return;
    counter_.Close();
  }
}

std::optional<double> CgroupCpu::Seconds() const {
  if (!counter_.Open()) return std::nullopt;
  char text[1024];
  const ssize_t length = pread(counter_.Get(), text, sizeof text - 1, 0);
  if (length <= 0) return std::nullopt;
  std::string content(text, static_cast<size_t>(length));
  // v1 holds the bare number.
  if (!unified_) content = "usage " + content;
  const auto usage = ValueOf(content, unified_ ? "usage_usec" : "usage");
  if (!usage) return std::nullopt;
  const double seconds = static_cast<double>(*usage) / (unified_ ? 1e6 : 1e9);
  return std::max(0.0, seconds - std::chrono::duration<double>(OwnCpu()).count());
}

uint64_t FreshPages::Add(uint64_t dirtied_bytes, uint64_t page_faults) {
  const auto grown = [](uint64_t& before, uint64_t now) {
    return now - std::min(std::exchange(before, now), now);
  };
  const uint64_t dirtied = grown(dirtied_, dirtied_bytes), faults = grown(faults_, page_faults);
  sum_ += dirtied - std::min(dirtied, faults * kMostPerFault);
  return sum_;
}

NetworkBytes::NetworkBytes() : in_container_(!KernelThreadsVisible()) {}

std::optional<uint64_t> NetworkBytes::Total() const {
  if (!in_container_) return std::nullopt;
  char text[8192];
  const std::string_view interfaces = ReadSmall(AT_FDCWD, "/proc/self/net/dev", text, sizeof text - 1);
  if (interfaces.empty()) return std::nullopt;
  return ParseNetDev(interfaces);
}

}  // namespace imagebatch::runner
