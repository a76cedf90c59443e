#pragma once
#include <dirent.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "runner/proc/files.h"
#include "runner/proc/proc_text.h"

namespace imagebatch::runner {

/// What one walk found of the processes below this one. The runner is PID 1 or a child subreaper, so whatever
/// the command starts stays below it, orphans and daemons included.
struct TreeTotals {
  uint64_t ticks = 0;                     // living processes and what they have reaped
  std::optional<IoBytes> io = IoBytes{};  // of those that let it be read; absent where none does
  uint64_t page_faults = 0;               // minor ones; living processes and what they have reaped
  uint64_t resident_bytes = 0;
  bool starved = false;  // the first thread of one stands ready to run, in this walk and in the one before
};

/// The process `pid` among `processes`, which are in ascending order of pid; null where it is not there.
const ProcessStat* FindProcess(const std::vector<ProcessStat>& processes, pid_t pid);

class ProcessTree {
 public:
  ProcessTree();

  /// Looks at the descendants as they are now.
  void Walk();

  /// False where there is no /proc: then nothing is known of the tree.
  bool Readable() const { return proc_ != nullptr; }
  const TreeTotals& Totals() const { return totals_; }
  /// In ascending order of pid; valid until the next walk.
  const std::vector<ProcessStat>& Processes() const { return members_; }

  /// A child of this process that is none of the tree, from the next walk on.
  void LeaveOut(pid_t pid) { left_out_.push_back(pid); }

  /// Sends `signal` to every descendant there is now, whatever process group or session it is in.
  void Signal(int signal);

 private:
  void ReadAll();
  void KeepDescendants();
  bool ParentBelongs(const ProcessStat& process) const;
  void CompareWithBefore();
  void SumUp();

  std::unique_ptr<DIR, int (*)(DIR*)> proc_;
  pid_t self_;
  long page_bytes_;
  TreeTotals totals_;
  // Kept from walk to walk, so that a walk allocates nothing once the tree has its size.
  std::vector<ProcessStat> all_;
  std::vector<char> belongs_;
  std::vector<ProcessStat> members_;
  std::vector<ProcessStat> before_;
  std::vector<pid_t> left_out_;
};

}  // namespace imagebatch::runner
