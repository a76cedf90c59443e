#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imagebatch::runner {

struct MountPoint {
  std::string path;
  std::string type;  // ext4, overlay, ...
};

/// Of /proc/PID/mountinfo (proc(5)): what can be written and is kept on this machine, one mount point of each
/// device, that with the shortest path, in the order of the paths. A file system over the network is left
/// out: to ask for its free space may take for ever when its server is gone.
std::vector<MountPoint> WritableMounts(std::string_view mountinfo);

/// Shares of the last 60 s, in percent (Linux's Documentation/accounting/psi.rst).
struct Pressure {
  double some = 0;  // in which at least one process waited for the resource
  double full = 0;  // in which all that could have worked did
};

/// Of /proc/pressure/* or *.pressure of a cgroup. Nothing where there is no figure in it.
std::optional<Pressure> ParsePressure(std::string_view text);

}  // namespace imagebatch::runner
