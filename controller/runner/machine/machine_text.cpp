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
    const Mount mount = ParseMount(TakeUntil(mountinfo, '\n'));
    if (std::find(kLocalTypes.begin(), kLocalTypes.end(), mount.type) == kLocalTypes.end()) continue;
    if (ListHas(mount.own_options, "ro") || ListHas(mount.options, "ro")) continue;
    const std::string path = Unescape(mount.point);
    MountPoint& known = by_device[mount.device];
    if (known.path.empty() || path.size() < known.path.size()) known = {path, std::string(mount.type)};
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
