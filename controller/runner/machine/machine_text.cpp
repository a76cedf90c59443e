#include "runner/machine/machine_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "runner/proc/proc_text.h"

namespace imagebatch::runner {
namespace {

constexpr std::array<std::string_view, 11> kLocalTypes = {
    "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "tmpfs", "xfs", "zfs"};

bool HasOption(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    if (TakeUntil(options, ',') == wanted) return true;
  }
  return false;
}

/// Space, tab, newline and backslash stand as three octal digits behind a backslash.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    unsigned code = 0;
    const char* digits = text.data() + at + 1;
    if (text[at] == '\\' && at + 3 < text.size() &&
        std::from_chars(digits, digits + 3, code, 8).ptr == digits + 3 && code < 256) {
      plain += static_cast<char>(code);
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

}  // namespace

std::vector<MountPoint> WritableMounts(std::string_view mountinfo) {
  std::map<std::string_view, MountPoint> by_device;
  while (!mountinfo.empty()) {
    std::string_view line = TakeUntil(mountinfo, '\n');
    std::array<std::string_view, 6> fields;  // id, parent, device, root, mount point, options
    for (std::string_view& field : fields) field = TakeUntil(line, ' ');
    for (std::string_view optional = "-"; !line.empty();) {
      optional = TakeUntil(line, ' ');
      if (optional == "-") break;
    }
    const std::string_view type = TakeUntil(line, ' ');
    TakeUntil(line, ' ');  // the source
    if (std::find(kLocalTypes.begin(), kLocalTypes.end(), type) == kLocalTypes.end()) continue;
    if (HasOption(fields[5], "ro") || HasOption(line, "ro")) continue;
    const std::string path = Unescape(fields[4]);
    MountPoint& known = by_device[fields[2]];
    if (known.path.empty() || path.size() < known.path.size()) known = {path, std::string(type)};
  }
  std::vector<MountPoint> mounts;
  mounts.reserve(by_device.size());
  for (auto& [device, mount] : by_device) mounts.push_back(std::move(mount));
  std::sort(mounts.begin(), mounts.end(),
            [](const auto& one, const auto& other) { return one.path < other.path; });
  // One mount may lie over another: by its path only the upper one is reached
  mounts.erase(std::unique(mounts.begin(), mounts.end(),
                           [](const auto& one, const auto& other) { return one.path == other.path; }),
               mounts.end());
  return mounts;
}

std::optional<Pressure> ParsePressure(std::string_view text) {
  std::optional<Pressure> pressure;
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    const std::string_view kind = TakeUntil(line, ' ');
    if (kind != "some" && kind != "full") continue;
    while (!line.empty()) {
      std::string_view field = TakeUntil(line, ' ');
      if (TakeUntil(field, '=') != "avg60") continue;
      double share = 0;
      if (std::from_chars(field.data(), field.data() + field.size(), share).ec != std::errc()) continue;
      if (!pressure) pressure.emplace();
      (kind == "some" ? pressure->some : pressure->full) = share;
    }
  }
  return pressure;
}

}  // namespace imagebatch::runner
