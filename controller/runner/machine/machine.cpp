#include "runner/machine/machine.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include "runner/proc/files.h"
#include "runner/proc/proc_text.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kLargestText = size_t{256} * 1024;
constexpr size_t kMostFileSystems = 64;

double FreeShare(const FileSystem& of) {
  return static_cast<double>(of.free_bytes) / static_cast<double>(of.size_bytes);
}

std::vector<FileSystem> ReadFileSystems(std::string_view mountinfo) {
  std::vector<FileSystem> file_systems;
  for (MountPoint& mount : WritableMounts(mountinfo)) {
    struct statvfs status {};
    if (file_systems.size() == kMostFileSystems) break;
    if (statvfs(mount.path.c_str(), &status) != 0 || status.f_blocks == 0) continue;
    file_systems.push_back({std::move(mount.path), std::move(mount.type), status.f_blocks * status.f_frsize,
                            status.f_bavail * status.f_frsize, status.f_files, status.f_favail});
  }
  std::stable_sort(file_systems.begin(), file_systems.end(),
                   [](const auto& one, const auto& other) { return FreeShare(one) < FreeShare(other); });
  return file_systems;
}

std::string ReadIn(const std::string& directory, const char* name) {
  return directory.empty() ? std::string() : ReadWhole((directory + "/" + name).c_str(), kLargestText);
}

std::optional<uint64_t> Since(std::optional<uint64_t> before, std::optional<uint64_t> now) {
  if (!before || !now) return std::nullopt;
  return *now - std::min(*before, *now);
}

/// Where the container's cgroup has its files.
struct Cgroup {
  std::string mounts = ReadWhole("/proc/self/mountinfo", kLargestText);
  std::string groups = ReadWhole("/proc/self/cgroup", kLargestText);
  std::string unified = CgroupDirectory(mounts, groups, "");

  std::string OfV1(const char* controller) const { return CgroupDirectory(mounts, groups, controller); }
};

CgroupCounts CountsOf(const Cgroup& cgroup) {
  CgroupCounts counts;
  std::string limit = ReadIn(cgroup.unified, "cpu.stat");
  if (!ValueOf(limit, "nr_periods")) limit = ReadIn(cgroup.OfV1("cpu"), "cpu.stat");
  counts.periods = ValueOf(limit, "nr_periods");
  counts.throttled_periods = ValueOf(limit, "nr_throttled");
  counts.out_of_memory_kills = ValueOf(ReadIn(cgroup.unified, "memory.events"), "oom_kill");
  if (!counts.out_of_memory_kills)
    counts.out_of_memory_kills = ValueOf(ReadIn(cgroup.OfV1("memory"), "memory.oom_control"), "oom_kill");
  return counts;
}

}  // namespace

CgroupCounts ReadCgroupCounts() { return CountsOf({}); }

Machine ReadMachine(const CgroupCounts& before) {
  const Cgroup cgroup;
  Machine machine;
  machine.file_systems = ReadFileSystems(cgroup.mounts);
  machine.of_container = ParsePressure(ReadIn(cgroup.unified, "memory.pressure")).has_value();
  const auto pressure = [&](const std::string& name) {
    return ParsePressure(machine.of_container ? ReadIn(cgroup.unified, (name + ".pressure").c_str())
                                              : ReadIn("/proc/pressure", name.c_str()));
  };
  machine.cpu = pressure("cpu");
  machine.memory = pressure("memory");
  machine.io = pressure("io");
  const CgroupCounts now = CountsOf(cgroup);
  machine.counts = {Since(before.periods, now.periods),
                    Since(before.throttled_periods, now.throttled_periods),
                    Since(before.out_of_memory_kills, now.out_of_memory_kills)};
  return machine;
}

}  // namespace imagebatch::runner
