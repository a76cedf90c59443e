#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/stacks/memory.h"
#include "runner/stacks/python_reader.h"
#include "runner/stacks/python_runtime.h"
#include "runner/stacks/seen_process.h"
#include "runner/stacks/stack_words.h"
#include "runner/stacks/stacks.h"

namespace imagebatch::runner {

/// Reads the memory of processes and says what it found. Made in one step and written in another: between
/// them it is found out which threads have run.
class StackReport {
 public:
  /// Reads. `seen` outlives it.
  explicit StackReport(const std::vector<SeenProcess>& seen);
  StackReport(const StackReport&) = delete;
  StackReport& operator=(const StackReport&) = delete;

  /// `still`: for each thread of each process, in their order, whether it has not run since it was seen.
  Stacks Write(const std::vector<bool>& still);

 private:
  struct Process {
    const SeenProcess* seen = nullptr;
    size_t first_thread = 0;  // index into `still`
    std::unique_ptr<ProcessMemory> memory;
    std::optional<PythonRuntime> runtime;
    std::unique_ptr<PythonReader> reader;
    Process* parent = nullptr;  // where it is one of them
    bool forked = false;        // it is a copy of `parent`, and has started no other program since
  };

  void Read(const SeenProcess& seen, size_t first_thread);
  void FindParents();

  bool Still(const Process& process, size_t thread) const { return still_[process.first_thread + thread]; }
  /// The index of the thread that calls itself so; nothing where there is none, or it has run.
  static std::optional<size_t> IndexOf(const Process& process, pid_t inner_id);
  std::optional<size_t> StillIndexOf(const Process& process, pid_t inner_id) const;

  StackGroup Describe(Process& process);
  void DescribeAt(const Process& process, const PythonThread& thread, ThreadStack& stack) const;
  /// ", which is at ..."; empty where that is not known.
  std::string WhereIs(const Process& process, pid_t inner_id) const;
  static const PythonThread* PythonThreadOf(const Process& process, pid_t inner_id);

  std::string LockWords(Process& process, const PythonThread& thread);
  std::string OwnedLock(Process& process, const PythonLock& lock);
  std::string PlainLock(Process& process, const PythonThread& thread);
  std::string OriginalOfRLock(Process& process, const PythonLock& lock);
  std::string OriginalOfLock(Process& process, uint64_t lock);
  std::string FutexWords(Process& process, size_t thread);

  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<bool> still_;
};

}  // namespace imagebatch::runner
