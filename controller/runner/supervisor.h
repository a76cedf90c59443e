#pragma once
#include <poll.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "hang/checks.h"
#include "hang/verdict_log.h"
#include "runner/args.h"
#include "runner/awaited/standing.h"
#include "runner/lifecycle.h"
#include "runner/listener.h"
#include "runner/output/output.h"
#include "runner/output/output_reader.h"
#include "runner/proc/tree_commands.h"
#include "runner/report/evidence.h"
#include "runner/report/report.h"
#include "runner/spawn.h"
#include "runner/waits/deadlock_watch.h"
#include "runner/watch.h"

namespace imagebatch::runner {

inline constexpr int kExitUsage = 2;

/// Runs one command and watches it, in one thread and one poll() loop: signals, output, the listener and the
/// samples take turns, and nothing in it waits for the outside.
///
/// Signals go on to the command's process group. From a SIGTERM on it has `grace` for all of its end; what is
/// then left is killed.
///
/// What becomes of processes that the command leaves behind: while one of them holds the output open, all are
/// given `grace`; then, or at once where none does, they are ended as a hung tree is.
class Supervisor {
 public:
  /// `marker` goes into the lines of the log; empty: none. `terminal` is for the command, where it is open.
  Supervisor(const RunOptions& options, std::string marker, Descriptor terminal);

  /// From start to end; the exit code. What stands in its way is said on stderr.
  int Run();

 private:
  static void Complain(const std::string& what);
  /// Empty on success, else what went wrong.
  std::string Prepare();
  bool Start();
  void UntilOver();

  void WaitForEvents();
  hang::TimePoint NextTimer() const;
  void CountStall();
  void HandleSignals();
  void Forward(int signal);
  void Reap();
  void PassOutput();

  void Sample();
  void LookAtCommands();
  hang::Input JudgeBy() const;
  void Judge();
  void TakeEvidence(const hang::Input& input);
  /// Takes `next` as the verdict; whether that is a change.
  bool Become(hang::Verdict next);
  void EndHung();
  void FollowOrders();
  bool OutputDone() const;
  void NoteTold(int signal);
  void TellEnd();
  int Finish();

  int ExitCode() const;
  Snapshot Look() const;
  void Publish();
  void WriteResult(const std::string& marker) const;

  const RunOptions& options_;
  const std::string marker_;
  Descriptor terminal_;
  const WallClock clock_;
  hang::TimePoint now_;  // taken once per turn of the loop

  InheritedSignals inherited_{};
  Descriptor signals_;
  ReplacedFile state_file_;
  Descriptor result_;
  Listener listener_;
  std::vector<OutputStream> streams_;
  std::vector<pollfd> polls_;
  OutputReader reader_;

  Watch watch_;
  DeadlockWatch deadlock_watch_;
  TreeCommands commands_;
  Standing standing_;
  hang::TimePoint next_sample_;
  hang::Verdict verdict_;
  hang::VerdictLog verdicts_;
  std::optional<CgroupCounts> counts_before_;  // as of the first sample
  std::optional<Evidence> evidence_;
  std::string state_;  // as it was last published

  pid_t command_ = -1;
  std::optional<int> status_;  // of the command once it has ended, as waitpid() gives it
  Lifecycle life_;

  /// Somebody told us to end, while the command ran.
  struct Told {
    int signal;
    hang::TimePoint at;
    std::string state;  // as it was then, with evidence
  };
  std::optional<Told> told_;

  // While nobody takes the output, the build stands still and it is not its fault.
  std::optional<hang::TimePoint> stalled_since_;
  hang::TimePoint last_output_;
  std::chrono::steady_clock::duration longest_silence_{0};
  uint64_t output_bytes_ = 0;
};

}  // namespace imagebatch::runner
