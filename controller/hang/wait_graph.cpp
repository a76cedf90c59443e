#include "hang/wait_graph.h"

#include <algorithm>
#include <unordered_set>

namespace imagebatch::hang {
namespace {

using Pids = std::unordered_set<int>;

bool AllIn(const std::vector<int>& pids, const Pids& set) {
  return std::all_of(pids.begin(), pids.end(), [&set](int pid) { return set.contains(pid); });
}

/// Everything that could make `process` go on is in `set`.
bool ClosedIn(const WaitingProcess& process, const Pids& set) {
  if (process.waits.empty() || !AllIn(process.signallers, set)) return false;
  return std::all_of(process.waits.begin(), process.waits.end(), [&set](const Wait& wait) {
    return wait.what != WaitFor::Anything && AllIn(wait.wakers, set);
  });
}

}  // namespace

std::vector<WaitingProcess> DeadPart(std::vector<WaitingProcess> processes) {
  Pids left;
  for (const WaitingProcess& process : processes) left.insert(process.pid);
  // Each round frees those that wait for what the round before has freed.
  for (bool changed = true; changed;) {
    changed = std::erase_if(processes, [&left](const WaitingProcess& process) {
                if (ClosedIn(process, left)) return false;
                left.erase(process.pid);
                return true;
              }) > 0;
  }
  return processes;
}

}  // namespace imagebatch::hang
