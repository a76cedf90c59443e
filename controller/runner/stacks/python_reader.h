#pragma once
#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runner/stacks/memory.h"
#include "runner/stacks/python_objects.h"
#include "runner/stacks/python_runtime.h"

namespace imagebatch::runner {

/// What a thread of the process does, as the kernel tells it.
struct KernelThread {
  pid_t id = 0;                   // as the process itself knows it, in its own PID namespace
  std::optional<uint64_t> futex;  // the word that it waits on
};

/// A function, or the body of a module or a class.
struct PythonCode {
  uint64_t address = 0;
  std::string file, function;  // as the program has them: any text
  int first_line = 0;
  uint64_t line_table = 0;
  uint64_t instructions = 0;  // where the first one is; 0 where frames count from it
  uint64_t bytes = 0;         // of instructions
};

struct PythonFrame {
  uint32_t code = 0;  // index into PythonReader::Codes()
  int line = 0;       // 0: of none
  uint64_t address = 0;
  int64_t offset = 0;  // of its instruction; below 0: it has not begun
};

/// A lock that a thread waits for.
struct PythonLock {
  enum class Kind { Lock, RLock };
  Kind kind = Kind::Lock;
  uint64_t object = 0;
  uint64_t owner = 0;  // ident of the thread that has it; of an RLock alone
};

struct PythonThread {
  pid_t id = 0;  // KernelThread::id
  uint64_t ident = 0;
  std::vector<PythonFrame> frames;      // innermost first; empty: it runs no Python
  bool more_frames = false;             // beyond the last one
  std::optional<PythonLock> waits_for;  // only where that is certain, and it is locked
};

/// A frame that is in a "with" statement of a lock.
struct LockHolder {
  size_t thread = 0, frame = 0;  // indices
};

/// The threads of a CPython process with their stacks, from its memory alone: nothing is asked of it, and it
/// goes on meanwhile. What is said of a thread is right if that has not run since before the reading began;
/// whether it has is for the caller to find out. All that is read may have been made to mislead; where
/// anything is not as it must be, the thread, or all of them, are left out.
class PythonReader {
 public:
  static constexpr size_t kMostThreads = 1024;
  static constexpr size_t kMostFrames = 64;           // of a thread
  static constexpr size_t kMostAllFrames = 8192;      // of a process
  static constexpr size_t kFileCharacters = 1024;     // of a path; a longer one is not read
  static constexpr size_t kFunctionCharacters = 256;  // likewise

  /// `runtime` has a layout. `memory` outlives it.
  PythonReader(Memory& memory, const PythonRuntime& runtime, std::vector<KernelThread> threads);

  const std::vector<PythonThread>& Threads() const { return threads_; }
  const PythonCode& CodeOf(const PythonFrame& frame) const { return codes_[frame.code]; }
  /// Threads of the process that Python knows, but that could not be read.
  size_t Unreadable() const { return unreadable_; }

  /// The thread whose ident this is; null where there is none.
  const PythonThread* ByIdent(uint64_t ident) const;
  /// Who is in a `with` of this plain lock, which does not know its owner itself; from 3.11 on.
  std::optional<LockHolder> Holder(uint64_t lock);
  /// Whether the RLock at `lock` is held by the thread of this ident.
  bool Holds(uint64_t lock, uint64_t ident);

 private:
  void ReadInterpreter(uint64_t interpreter);
  void ReadThread(uint64_t state);
  bool ReadFrames(uint64_t frame, PythonThread& thread);
  bool ReadFrame(const std::vector<unsigned char>& raw, uint64_t address, PythonThread& thread);
  std::optional<uint32_t> ReadCode(uint64_t address);
  std::optional<int> ReadLine(uint32_t code, int64_t offset);
  pid_t NativeId(uint64_t state, uint64_t ident);
  const KernelThread* Kernel(pid_t id) const;
  void DropDoubles();

  void FindLock(const KernelThread& kernel, PythonThread& thread);
  std::optional<PythonLock> LockAt(uint64_t object, uint64_t futex);
  void FindHeldLocks();
  void AddHeldLocks(size_t thread, size_t frame);

  Memory& memory_;
  const PythonRuntime& runtime_;
  const PythonLayout& layout_;
  const PythonObjects objects_;
  const std::vector<KernelThread> kernel_threads_;
  std::vector<PythonCode> codes_;
  std::map<uint64_t, uint32_t> code_indices_;
  std::map<std::pair<uint32_t, int64_t>, int> lines_;
  std::vector<PythonThread> threads_;
  size_t all_frames_ = 0;
  size_t unreadable_ = 0;
  std::optional<std::map<uint64_t, LockHolder>> held_;
};

}  // namespace imagebatch::runner
