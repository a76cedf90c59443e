#include "local/processes.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

namespace imagebatch::local {
namespace {

// The runner has the grace of the template for the build, and then writes its account.
constexpr std::chrono::seconds kForTheRunner{3};

}  // namespace

Processes::Processes() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

void Processes::Add(Process process) {
  const uint32_t build = process.start.build;
  running_.emplace(build, std::move(process));
}

std::vector<pid_t> Processes::Orphans() const {
  std::vector<pid_t> orphans;
  std::ifstream children("/proc/thread-self/children");
  for (pid_t pid = 0; children >> pid;) {
    const bool guard = std::any_of(running_.begin(), running_.end(),
                                   [&](const auto& each) { return each.second.pid == pid; });
    if (!guard) orphans.push_back(pid);
  }
  return orphans;
}

std::vector<EndedProcess> Processes::Reap() {
  std::vector<EndedProcess> ended;
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto at = std::find_if(running_.begin(), running_.end(),
                                 [&](const auto& each) { return each.second.pid == pid; });
    if (at == running_.end()) continue;
    const bool killed = WIFSIGNALED(status);
    (killed ? killed_ : ended)
        .push_back({std::move(at->second), killed ? 128 + WTERMSIG(status) : WEXITSTATUS(status)});
    running_.erase(at);
  }
  if (killed_.empty()) return ended;
  // A runner that has lost its guard ends its build; what has lost both is ours to end
  const auto orphans = Orphans();
  for (const pid_t orphan : orphans) kill(orphan, SIGKILL);
  if (!orphans.empty()) return ended;
  std::move(killed_.begin(), killed_.end(), std::back_inserter(ended));
  killed_.clear();
  return ended;
}

void Processes::EndAll(SteadyTime now, bool past_deadline) {
  for (auto& [build, process] : running_) {
    if (std::exchange(process.told_to_end, true)) continue;
    process.past_deadline = past_deadline;
    process.kill_at = now + std::chrono::seconds(process.grace_seconds) + kForTheRunner;
    kill(process.pid, SIGTERM);
  }
}

void Processes::KillAll() {
  for (const auto& [build, process] : running_) kill(process.pid, SIGKILL);
}

void Processes::KillOverdue(SteadyTime now) {
  for (auto& [build, process] : running_) {
    if (!process.kill_at || now < *process.kill_at) continue;
    kill(process.pid, SIGKILL);
    process.kill_at.reset();
  }
}

}  // namespace imagebatch::local
