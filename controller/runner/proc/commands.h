#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "hang/command_news.h"
#include "runner/proc/process_tree.h"
#include "runner/proc/started.h"

namespace imagebatch::runner {

/// Looks at the processes that are started, so that a poll that starts the same programs again and again is
/// not taken for work: what it reads is the loading of its programs.
///
/// A look costs nothing for processes that were there before, and is bounded for new ones: of a tree that
/// starts more than kNewOnes between two looks the rest is not looked at, and counts as it always did.
class Commands {
 public:
  static constexpr size_t kNewOnes = 16;

  Commands();

  /// One look at the tree after its walk. `cpu_seconds`: of the tree, the reaped included; `seconds`: since
  /// the look before.
  void Look(const std::vector<ProcessStat>& processes, double cpu_seconds, double seconds,
            hang::TimePoint now);

  /// When there was last a new command (hang/command_news.h).
  std::optional<hang::TimePoint> NewestCommand() const { return news_.Newest(); }
  /// So far: processes that are not a poll's; bytes read (by system calls and from the disk) that are not a
  /// poll's.
  uint64_t Births() const { return births_; }
  uint64_t ReadBytes() const { return read_bytes_; }

  /// It may be a poll: one of the last commands was there before, and the tree waits between its turns.
  bool IsPoll() const { return news_.AnyKnown() && Waits(); }
  /// It is one, as it looks: the last ones all were, letter by letter.
  bool IsExactPoll() const { return news_.AllKnown() && Waits(); }

 private:
  struct Seen {
    pid_t pid = 0;
    uint64_t start_ticks = 0;
    uint64_t read = 0;      // as /proc/PID/io has it, reaped children included
    uint64_t own_read = 0;  // by its own threads
    uint64_t reaped_faults = 0;
    unsigned looks = 0;
    double seconds = 0;   // since it was first seen
    size_t command = 0;   // a hash; 0: it was not read
    bool judged = false;  // it runs a command of its own, which was looked at
    bool known = false;   // that was there before
  };
  bool Waits() const;
  void JudgeWaiting(const std::vector<ProcessStat>& processes, double cpu_seconds, double seconds);
  void Start(const std::vector<ProcessStat>& processes, const ProcessStat& process, hang::TimePoint now,
             Seen& seen);
  /// Whether it is new.
  bool Judge(const StartedProcess& started, hang::TimePoint now, Seen& seen);
  /// What its own threads have read since the look before; the rest of what it gained goes to `reaped`.
  static uint64_t OwnGain(const ProcessStat& process, Seen& seen, uint64_t& reaped);

  hang::CommandNews news_;
  std::vector<Seen> seen_, before_;
  size_t looked_at_ = 0;
  uint64_t births_ = 0, read_bytes_ = 0;
  double cpu_seconds_ = 0;
  double waiting_;  // the share of the last looks at which the tree waited
};

}  // namespace imagebatch::runner
