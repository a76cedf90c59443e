#include "metrics/process.h"

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace imagebatch::metrics {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

/// The fields of /proc/self/stat that are used, in the kernel's units.
struct Stat {
  uint64_t user_ticks = 0, system_ticks = 0, threads = 0, start_ticks = 0, virtual_bytes = 0,
           resident_pages = 0;
};

std::optional<Stat> ReadStat(const std::filesystem::path& proc) {
  std::ifstream file(proc / "self/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // The second field is the command in parentheses and may itself hold spaces and parentheses.
  const size_t end_of_command = line.rfind(')');
  if (end_of_command == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(end_of_command + 1));
  Stat stat;
  std::string skipped;
  for (int field = 3; field <= 24; ++field) {
    switch (field) {
      case 14:
        fields >> stat.user_ticks;
        break;
      case 15:
        fields >> stat.system_ticks;
        break;
      case 20:
        fields >> stat.threads;
        break;
      case 22:
        fields >> stat.start_ticks;
        break;
      case 23:
        fields >> stat.virtual_bytes;
        break;
      case 24:
        fields >> stat.resident_pages;
        break;
      default:
        fields >> skipped;
    }
  }
  return fields ? std::optional(stat) : std::nullopt;
}

/// The number behind the first line of `path` that begins with `key`; nothing where it is no number
/// ("unlimited").
std::optional<double> NumberBehind(const std::filesystem::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    std::istringstream rest(line.substr(key.size()));
    double value = 0;
    return rest >> value ? std::optional(value) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> OpenDescriptors(const std::filesystem::path& proc) {
  std::error_code error;
  std::filesystem::directory_iterator entry(proc / "self/fd", error), end;
  double count = 0;
  for (; !error && entry != end; entry.increment(error)) ++count;
  return error ? std::nullopt : std::optional(count);
}

}  // namespace

std::vector<MetricFamily> ProcessFamilies(const std::filesystem::path& proc) {
  std::vector<MetricFamily> families;
  const auto add = [&](const char* name, const char* help, MetricType type, double value) {
    prometheus::ClientMetric metric;
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    families.push_back({name, help, type, {metric}});
  };
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  if (const auto stat = ReadStat(proc)) {
    add("process_cpu_seconds_total", "User and system CPU time.", MetricType::Counter,
        static_cast<double>(stat->user_ticks + stat->system_ticks) / ticks_per_second);
    add("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge,
        static_cast<double>(stat->resident_pages) * page_bytes);
    add("process_virtual_memory_bytes", "Virtual memory.", MetricType::Gauge,
        static_cast<double>(stat->virtual_bytes));
    add("process_threads", "Threads.", MetricType::Gauge, static_cast<double>(stat->threads));
    if (const auto boot = NumberBehind(proc / "stat", "btime ")) {
      add("process_start_time_seconds", "When the process started.", MetricType::Gauge,
          *boot + static_cast<double>(stat->start_ticks) / ticks_per_second);
    }
  }
  if (const auto count = OpenDescriptors(proc))
    add("process_open_fds", "Open file descriptors.", MetricType::Gauge, *count);
  if (const auto limit = NumberBehind(proc / "self/limits", "Max open files"))
    add("process_max_fds", "Most file descriptors that may be open.", MetricType::Gauge, *limit);
  return families;
}

}  // namespace imagebatch::metrics
