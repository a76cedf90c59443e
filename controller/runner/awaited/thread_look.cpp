#include "runner/awaited/thread_look.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>

#include "runner/proc/files.h"
#include "runner/proc/thread_status.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kStatusBytes = 8192;

ThreadLook Look(const std::string& tasks, pid_t id) {
  ThreadLook look{.id = id, .name = {}, .call = {}};
  const std::string directory = tasks + std::to_string(id);
  char text[256];
  const Descriptor file(open((directory + "/syscall").c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t length = file.Open() ? read(file.Get(), text, sizeof text) : -1;
  if (length < 0) {
    look.problem = errno;
  } else {
    look.call = ParseSystemCall({text, static_cast<size_t>(length)});
  }
  const std::string status_text = ReadWhole((directory + "/status").c_str(), kStatusBytes);
  look.name = NameOf(status_text);
  if (const auto status = ParseThreadStatus(status_text)) {
    look.state = status->state;
    look.switches = status->switches;
  }
  return look;
}

}  // namespace

std::string_view NameOf(std::string_view status) {
  std::string_view line = TakeUntil(status, '\n');
  return TakeUntil(line, '\t') == "Name:" ? line : std::string_view();
}

int StopSignal(std::string_view stat) {
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return 0;
  stat.remove_prefix(std::min(name_end + 2, stat.size()));
  constexpr int kState = 3, kExitCode = 52;  // as proc(5) counts them
  for (int field = kState; field < kExitCode; ++field) TakeUntil(stat, ' ');
  stat = TakeUntil(stat, '\n');
  int signal = 0;
  const auto [rest, error] = std::from_chars(stat.data(), stat.data() + stat.size(), signal);
  return error == std::errc() && signal > 0 && signal < 64 ? signal : 0;
}

std::vector<ThreadLook> LookAtThreads(const ProcessStat& process, size_t most) {
  const std::string tasks = "/proc/" + std::to_string(process.pid) + "/task/";
  std::vector<pid_t> ids;
  if (process.threads > 1) {
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(tasks.c_str()), closedir);
    if (!entries) return {};
    while (const dirent* entry = readdir(entries.get())) {
      if (const pid_t id = atoi(entry->d_name); id > 0 && id != process.pid) ids.push_back(id);
    }
    std::sort(ids.begin(), ids.end());
  }
  ids.insert(ids.begin(), process.pid);
  std::vector<ThreadLook> threads;
  for (pid_t id : ids) {
    if (threads.size() == most) break;
    ThreadLook look = Look(tasks, id);
    if (look.state == '?' || look.problem == ESRCH) continue;  // it has gone
    if (look.state == 'Z' || look.state == 'X') continue;
    threads.push_back(std::move(look));
  }
  return threads;
}

}  // namespace imagebatch::runner
