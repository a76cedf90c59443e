#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runner/awaited/sentences.h"
#include "runner/awaited/socket_names.h"
#include "runner/awaited/thread_look.h"
#include "runner/stacks/memory.h"
#include "runner/stacks/stacks.h"
#include "runner/waits/pipe_holders.h"

namespace imagebatch::runner {

/// Says what a thread waits for. It looks at one moment: tables are read when they are first needed.
class WaitNamer {
 public:
  /// `scope` and `stacks`, who name locks and their owners, outlive it.
  WaitNamer(const Scope& scope, const Stacks& stacks) : scope_(scope), stacks_(stacks), sockets_(scope) {}

  ThreadWait Name(const ProcessStat& process, const ThreadLook& thread);

 private:
  /// Of the thread that is being named.
  struct Asked {
    const ProcessStat& process;
    const ThreadLook& thread;
    SystemCall call;  // without its time limit
    std::string end;  // what is said of that limit
  };
  struct Object {
    std::string text;
    Explains explains = Explains::Other;
  };

  ThreadWait OfState(const ProcessStat& process, const ThreadLook& thread);
  ThreadWait OfCall(const Asked& asked);
  std::optional<ThreadWait> OfUntimed(const Asked& asked, const UntimedCall& call);
  ThreadWait OfChildren(const Asked& asked, const UntimedCall& call);
  ThreadWait OfLock(const Asked& asked);
  ThreadWait OfFileLock(const Asked& asked, const UntimedCall& call);
  ThreadWait OfPolled(const Asked& asked, const UntimedCall& call);
  std::optional<ThreadWait> OfSleep(const Asked& asked);
  ThreadWait OfDescriptor(const Asked& asked, const std::string& what, int descriptor, bool writes);

  Object Behind(const ProcessStat& process, int descriptor, bool writes);
  Object OfPipe(const ProcessStat& process, const std::string& number, bool writes);
  Object OfSocket(const ProcessStat& process, uint64_t inode);
  /// "held by pid 7 (tar)"; "held by this process alone".
  std::string HeldBy(const std::vector<int>& holders, int self, bool& in_tree);
  std::string NameOf(int pid) const;

  const Scope& scope_;
  const Stacks& stacks_;
  SocketNames sockets_;
  std::optional<PipeHolders> pipes_;
  std::optional<std::string> locks_;
};

}  // namespace imagebatch::runner
