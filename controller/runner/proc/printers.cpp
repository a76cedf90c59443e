#include "runner/proc/printers.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

namespace imagebatch::runner {
namespace {

constexpr size_t kThreads = 64;

double Seconds(uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

void Printers::Look(const std::vector<ProcessStat>& processes, uint64_t output_bytes, bool marked,
                    bool with_reaped) {
  const uint64_t came_out = output_bytes - std::min(output_bytes, output_bytes_);
  output_bytes_ = output_bytes;
  std::swap(seen_, before_);
  seen_.clear();
  readable_ = processes.empty();
  auto old = before_.begin();
  for (const ProcessStat& process : processes) {
    while (old != before_.end() && old->pid < process.pid) ++old;
    Seen& seen = seen_.emplace_back();
    if (old != before_.end() && old->pid == process.pid && old->start_ticks == process.start_ticks)
      seen = std::move(*old);
    seen.pid = process.pid;
    seen.start_ticks = process.start_ticks;
    if (!process.io) continue;
    readable_ = true;
    const uint64_t gained = process.io->written - std::min(process.io->written, seen.written);
    seen.written = process.io->written;
    // What it wrote just before the last look may have come out since.
    const uint64_t lately = gained + std::exchange(seen.gained, gained);
    if (came_out == 0 || 2 * lately < came_out) continue;
    const uint64_t ticks = process.own_ticks - std::min(process.own_ticks, seen.ticks);
    const uint64_t reaped = process.reaped_ticks - std::min(process.reaped_ticks, seen.reaped_ticks);
    if (with_reaped) cpu_seconds_ += Seconds(reaped);
    seen.ticks = process.own_ticks;
    seen.reaped_ticks = process.reaped_ticks;
    if (process.threads <= 1) {
      cpu_seconds_ += Seconds(ticks);
    } else if (marked) {
      cpu_seconds_ += OfThreads(process.pid, seen.threads).value_or(Seconds(ticks));
    }
  }
}

std::optional<double> Printers::CpuSeconds() const {
  if (!readable_) return std::nullopt;
  return cpu_seconds_;
}

std::optional<double> Printers::OfThreads(pid_t process, std::vector<Thread>& threads) {
  const std::string path = "/proc/" + std::to_string(process) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (!directory) return std::nullopt;
  double cpu = 0;
  std::vector<Thread> now;
  while (const dirent* entry = readdir(directory.get())) {
    const pid_t id = atoi(entry->d_name);
    if (id <= 0) continue;
    if (now.size() == kThreads) return std::nullopt;
    char text[1024];
    const std::string of = path + "/" + entry->d_name;
    const auto io = ParseIo(ReadSmall(AT_FDCWD, (of + "/io").c_str(), text, sizeof text - 1));
    const auto stat = ParseStat(ReadSmall(AT_FDCWD, (of + "/stat").c_str(), text, sizeof text - 1));
    if (!io || !stat) continue;
    const double used = Seconds(stat->own_ticks);
    const auto before =
        std::find_if(threads.begin(), threads.end(), [id](const Thread& each) { return each.id == id; });
    // One that is seen for the first time: what it used until now may have been for something else.
    Thread& thread = now.emplace_back(Thread{id, io->written, used});
    if (before == threads.end()) continue;
    if (io->written > before->written) {
      cpu += used - before->cpu_seconds;
    } else {
      thread.cpu_seconds = before->cpu_seconds;
    }
  }
  threads = std::move(now);
  return cpu;
}

}  // namespace imagebatch::runner
