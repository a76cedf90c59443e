#include "runner/awaited/awaited.h"

#include <algorithm>

#include "runner/awaited/wait_namer.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kThreadsOfProcess = 256, kThreadsOfAll = 1024;

}  // namespace

WaitList NameWaits(const std::vector<ProcessStat>& tree, const std::vector<ProcessStat>& shown,
                   const Stacks& stacks, const WaitQuestion& question,
                   const std::function<std::string(pid_t)>& command) {
  const Scope scope = TreeAndRunner(tree);
  WaitNamer namer(scope, stacks);
  std::vector<ProcessWait> waits;
  size_t room = kThreadsOfAll;
  for (const ProcessStat& process : shown) {
    if (IsZombie(process)) continue;
    ProcessWait wait{.pid = process.pid, .command = command(process.pid), .threads = {}};
    const auto threads = LookAtThreads(process, std::min(room, kThreadsOfProcess));
    room -= threads.size();
    for (const ThreadLook& thread : threads) {
      ThreadWait one = namer.Name(process, thread);
      one.stood = question.standing.StoodFor(question.now, process, thread);
      wait.threads.push_back(std::move(one));
    }
    if (process.threads > threads.size()) wait.more_threads = process.threads - threads.size();
    waits.push_back(std::move(wait));
  }
  return WaitSentences(waits, question.busy);
}

}  // namespace imagebatch::runner
