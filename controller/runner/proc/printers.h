#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "runner/proc/process_tree.h"

namespace imagebatch::runner {

/// The CPU time of those who write the output: a heartbeat prints and does nothing else, a test runner
/// computes for what it prints. Who has written since the look before as much as came out is a printer
/// (`build | tee log` has two); in a process of several threads, the threads that have written.
class Printers {
 public:
  /// One look at the tree after its walk. `output_bytes`: of the output so far. `marked`: it has shown marks
  /// since the look before; only then are threads told apart. `with_reaped`: what a printer's children used
  /// counts as its own.
  void Look(const std::vector<ProcessStat>& processes, uint64_t output_bytes, bool marked, bool with_reaped);

  /// In all, up to when each printed last; absent where it cannot be seen who writes.
  std::optional<double> CpuSeconds() const;

 private:
  struct Thread {
    pid_t id = 0;
    uint64_t written = 0;
    double cpu_seconds = 0;  // when it last wrote
  };
  struct Seen {
    pid_t pid = 0;
    uint64_t start_ticks = 0;
    uint64_t written = 0;
    uint64_t gained = 0;                   // written between the last two looks
    uint64_t ticks = 0, reaped_ticks = 0;  // when it last wrote
    std::vector<Thread> threads;           // in ascending order
  };
  /// The CPU that was used for what it wrote; nothing where its threads cannot be told apart (yet).
  static std::optional<double> OfThreads(pid_t process, std::vector<Thread>& threads);

  std::vector<Seen> seen_, before_;
  uint64_t output_bytes_ = 0;
  double cpu_seconds_ = 0;
  bool readable_ = false;
};

}  // namespace imagebatch::runner
