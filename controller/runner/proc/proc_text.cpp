#include "runner/proc/proc_text.h"

#include <charconv>
#include <utility>

namespace imagebatch::runner {
namespace {

void SkipSpaces(std::string_view& text) {
  const size_t start = text.find_first_not_of(" \t");
  text.remove_prefix(start == std::string_view::npos ? text.size() : start);
}

template <class Number>
bool TakeNumber(std::string_view& text, Number& number) {
  SkipSpaces(text);
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return error == std::errc();
}

/// The path in the lines "ID:CONTROLLERS:PATH"; v2 has no controllers.
std::optional<std::string_view> CgroupPath(std::string_view cgroup, std::string_view controller) {
  while (!cgroup.empty()) {
    std::string_view line = TakeUntil(cgroup, '\n');
    TakeUntil(line, ':');
    const std::string_view controllers = TakeUntil(line, ':');
    if (controller.empty() ? controllers.empty() : ListHas(controllers, controller)) return line;
  }
  return std::nullopt;
}

}  // namespace

std::string_view TakeUntil(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

std::optional<ProcessStat> ParseStat(std::string_view text) {
  ProcessStat stat;
  if (!TakeNumber(text, stat.pid)) return std::nullopt;
  const size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  SkipSpaces(text);
  if (text.empty()) return std::nullopt;
  stat.state = text.front();
  text.remove_prefix(1);
  // Fields 4 to 28, as proc(5) counts them; some are signed.
  constexpr int kFirst = 4;
  constexpr int kLast = 28;
  int64_t fields[kLast + 1] = {};
  for (int field = kFirst; field <= kLast; ++field) {
    SkipSpaces(text);
    uint64_t large = 0;
    if (text.starts_with('-')) {
      if (!TakeNumber(text, fields[field])) return std::nullopt;
    } else {
      if (!TakeNumber(text, large)) return std::nullopt;
      fields[field] = static_cast<int64_t>(large);
    }
  }
  const auto unsigned_field = [&fields](int field) { return static_cast<uint64_t>(fields[field]); };
  stat.parent = static_cast<pid_t>(fields[4]);
  stat.page_faults = unsigned_field(10) + unsigned_field(11);
  stat.reaped_faults = unsigned_field(11);
  stat.own_ticks = unsigned_field(14) + unsigned_field(15);
  stat.reaped_ticks = unsigned_field(16) + unsigned_field(17);
  stat.threads = static_cast<uint32_t>(fields[20]);
  stat.start_ticks = unsigned_field(22);
  stat.virtual_bytes = unsigned_field(23);
  stat.resident_pages = unsigned_field(24);
  stat.stack_start = unsigned_field(28);
  return stat;
}

bool IsZombie(const ProcessStat& process) {
  return (process.state == 'Z' && process.threads <= 1) || process.state == 'X';
}

std::optional<IoBytes> ParseIo(std::string_view text) {
  IoBytes bytes;
  const std::pair<std::string_view, uint64_t*> fields[] = {{"rchar:", &bytes.read},
                                                           {"read_bytes:", &bytes.read},
                                                           {"wchar:", &bytes.written},
                                                           {"write_bytes:", &bytes.dirtied}};
  bool found = false;
  for (const auto& [key, sum] : fields) {
    if (const auto value = ValueOf(text, key)) {
      *sum += *value;
      found = true;
    }
  }
  if (!found) return std::nullopt;
  return bytes;
}

uint64_t ParseNetDev(std::string_view text) {
  uint64_t sum = 0;
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    if (line.find(':') == std::string_view::npos) continue;  // the two lines of headings
    SkipSpaces(line);
    if (TakeUntil(line, ':') == "lo") continue;
    uint64_t columns[9] = {};
    for (uint64_t& column : columns) {
      if (!TakeNumber(line, column)) break;
    }
    sum += columns[8];  // transmitted
  }
  return sum;
}

Mount ParseMount(std::string_view line) {
  Mount mount;
  for (int skipped = 0; skipped < 2; ++skipped) TakeUntil(line, ' ');
  mount.device = TakeUntil(line, ' ');
  mount.root = TakeUntil(line, ' ');
  mount.point = TakeUntil(line, ' ');
  mount.own_options = line.substr(0, line.find(' '));
  const size_t separator = line.find(" - ");
  if (separator == std::string_view::npos) return mount;
  line.remove_prefix(separator + 3);
  mount.type = TakeUntil(line, ' ');
  TakeUntil(line, ' ');
  mount.options = line;
  return mount;
}

bool ListHas(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    if (TakeUntil(list, ',') == word) return true;
  }
  return false;
}

std::string CgroupDirectory(std::string_view mountinfo, std::string_view cgroup,
                            std::string_view controller) {
  const auto path = CgroupPath(cgroup, controller);
  if (!path) return {};
  const std::string_view wanted_type = controller.empty() ? "cgroup2" : "cgroup";
  while (!mountinfo.empty()) {
    const Mount mount = ParseMount(TakeUntil(mountinfo, '\n'));
    if (mount.type != wanted_type) continue;
    if (!controller.empty() && !ListHas(mount.options, controller)) continue;
    std::string_view below = *path;
    if (mount.root != "/") {
      // A container without a cgroup namespace has only its own part of the hierarchy mounted.
      if (!below.starts_with(mount.root)) continue;
      below.remove_prefix(mount.root.size());
      if (!below.empty() && below.front() != '/') continue;
    }
    return std::string(mount.point) + std::string(below);
  }
  return {};
}

std::optional<uint64_t> ValueOf(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    if (!line.starts_with(' ')) continue;
    uint64_t value = 0;
    if (TakeNumber(line, value)) return value;
  }
  return std::nullopt;
}

}  // namespace imagebatch::runner
