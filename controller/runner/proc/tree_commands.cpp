#include "runner/proc/tree_commands.h"

#include <fcntl.h>

#include <array>
#include <string>

#include "hang/patience.h"
#include "runner/proc/counters.h"
#include "runner/proc/files.h"

namespace imagebatch::runner {
namespace {

constexpr int kShare = 200;  // one part in so many of a core
constexpr size_t kCommandBytes = 1024;

}  // namespace

void TreeCommands::Look(hang::TimePoint now, const std::vector<ProcessStat>& tree, hang::Duration hold) {
  if (now < next_) return;
  const auto before = OwnCpu();
  std::string_view quiet;
  has_builder_ = false;
  for (const ProcessStat& process : tree) {
    if (IsZombie(process)) continue;
    char text[kCommandBytes + 1];
    const std::string path = "/proc/" + std::to_string(process.pid) + "/cmdline";
    std::string_view rest = ReadSmall(AT_FDCWD, path.c_str(), text, kCommandBytes);
    std::array<std::string_view, 32> arguments;
    size_t count = 0;
    while (!rest.empty() && count < arguments.size()) arguments[count++] = TakeUntil(rest, '\0');
    const std::span<const std::string_view> command(arguments.data(), count);
    has_builder_ |= hang::IsBuilder(command);
    if (quiet.empty()) quiet = hang::QuietCommand(command);
  }
  if (!quiet.empty()) held_until_ = now + hold;
  if (!quiet.empty() || now >= held_until_) quiet_ = quiet;
  next_ = now + (OwnCpu() - before) * kShare;
}

void TreeCommands::Clear() {
  quiet_ = {};
  has_builder_ = true;
}

}  // namespace imagebatch::runner
