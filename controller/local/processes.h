#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "plan/plan.h"

namespace imagebatch::local {

/// The process of an attempt: its runner's guard, whose child we are the parent of.
struct Process {
  plan::Start start;
  pid_t pid = -1;
  std::string job, log;  // log: its path
  int64_t grace_seconds = 30;
  bool told_to_end = false, past_deadline = false;
  std::optional<SteadyTime> kill_at{};  // of one that was told to end
};

struct EndedProcess {
  Process process;
  int exit_code = 0;  // 128+n where signal n ended it
};

/// The processes of the attempts that run; each build has at most one. What loses its parent below this
/// process becomes its child: so an attempt is over only once nothing of it is left, even if somebody kills
/// its guard and its runner.
class Processes {
 public:
  Processes();

  void Add(Process process);
  size_t size() const { return running_.size() + killed_.size(); }
  bool empty() const { return size() == 0; }
  /// Reap has to be called again soon: what a killed guard has left is being ended.
  bool Clearing() const { return !killed_.empty(); }
  const std::map<uint32_t, Process>& running() const { return running_; }

  /// Those that have ended since the last call.
  std::vector<EndedProcess> Reap();

  /// Tells all to end, each within its grace; `past_deadline`: because of the batch's deadline.
  void EndAll(SteadyTime now, bool past_deadline);
  /// Kills all; their runners kill what they have started.
  void KillAll();
  /// Kills those whose grace is over.
  void KillOverdue(SteadyTime now);

 private:
  std::vector<pid_t> Orphans() const;

  std::map<uint32_t, Process> running_;  // by build
  std::vector<EndedProcess> killed_;     // whose guard was killed, and whose tree may go on
};

}  // namespace imagebatch::local
