// What StackReport says of the locks that threads wait for.
#include <algorithm>

#include "runner/stacks/mutex_owner.h"
#include "runner/stacks/stack_report.h"
#include "runner/waits/wait_call.h"

namespace imagebatch::runner {
namespace {

/// Locks that threading.py makes for itself, to wait for a notification or for the end of a thread: that
/// nobody can release them is no news of a lock.
bool IsWaitOfLibrary(const FrameWords& frame) {
  return frame.file.ends_with("/threading.py") &&
         (frame.function.ends_with("wait") || frame.function.ends_with("_wait_for_tstate_lock"));
}

std::string ThreadOf(const SeenProcess& process, size_t index) {
  return "thread " + std::to_string(process.threads[index].id);
}

std::string ParentOf(const SeenProcess& parent) { return "its parent " + std::to_string(parent.stat.pid); }

}  // namespace

std::string StackReport::LockWords(Process& process, const PythonThread& thread) {
  if (!thread.waits_for) return {};
  if (thread.waits_for->kind == PythonLock::Kind::RLock) return OwnedLock(process, *thread.waits_for);
  return PlainLock(process, thread);
}

std::string StackReport::OwnedLock(Process& process, const PythonLock& lock) {
  if (const PythonThread* owner = process.reader->ByIdent(lock.owner)) {
    const auto index = IndexOf(process, owner->id);
    if (!index) return {};
    return "an RLock held by " + ThreadOf(*process.seen, *index) + WhereIs(process, owner->id);
  }
  // It may be one of those that could not be read.
  if (process.reader->Unreadable() > 0 || process.seen->more_threads > 0) return {};
  if (!process.forked) return "an RLock held by a thread that this process does not have (any more)";
  return "an RLock copied, locked, through fork: no thread of this process holds it" +
         OriginalOfRLock(process, lock);
}

std::string StackReport::OriginalOfRLock(Process& process, const PythonLock& lock) {
  const Process& parent = *process.parent;
  if (!parent.reader || !parent.reader->Holds(lock.object, lock.owner)) return {};
  const PythonThread* owner = parent.reader->ByIdent(lock.owner);
  const auto index = owner != nullptr ? IndexOf(parent, owner->id) : std::nullopt;
  if (!index) return {};
  return "; its original is held by " + ThreadOf(*parent.seen, *index) + " of " + ParentOf(*parent.seen) +
         WhereIs(parent, owner->id);
}

std::string StackReport::PlainLock(Process& process, const PythonThread& thread) {
  const PythonFrame& innermost = thread.frames.front();
  const PythonCode& code = process.reader->CodeOf(innermost);
  if (IsWaitOfLibrary({code.file, code.function, innermost.line})) return {};
  const uint64_t lock = thread.waits_for->object;
  if (const auto holder = process.reader->Holder(lock)) {
    const PythonThread& other = process.reader->Threads()[holder->thread];
    const auto index = StillIndexOf(process, other.id);
    if (!index) return "a Lock";
    const PythonFrame& frame = other.frames[holder->frame];
    const PythonCode& where = process.reader->CodeOf(frame);
    const std::string whom = other.id == thread.id ? "this thread itself" : ThreadOf(*process.seen, *index);
    return "a Lock held by " + whom +
           " in a with statement: " + Place({where.file, where.function, frame.line});
  }
  if (process.seen->threads.size() != 1 || process.seen->stat.threads != 1)
    return "a Lock (it keeps no owner)";
  std::string alone = "a Lock that is locked, and no other thread is left in this process to unlock it";
  if (!process.forked) return alone;
  const std::string original = OriginalOfLock(process, lock);
  if (!original.empty()) return alone + ": copied, locked, through fork; " + original;
  // That this thread has locked it itself, without `with`, cannot be seen.
  return alone + ": copied, locked, through fork (or locked twice by this thread)";
}

std::string StackReport::OriginalOfLock(Process& process, uint64_t lock) {
  const Process& parent = *process.parent;
  const auto holder = parent.reader ? parent.reader->Holder(lock) : std::nullopt;
  if (!holder) return {};
  const PythonThread& owner = parent.reader->Threads()[holder->thread];
  const auto index = StillIndexOf(parent, owner.id);
  if (!index) return {};
  const PythonFrame& frame = owner.frames[holder->frame];
  const PythonCode& code = parent.reader->CodeOf(frame);
  return "its original is held by " + ThreadOf(*parent.seen, *index) + " of " + ParentOf(*parent.seen) +
         " in a with statement: " + Place({code.file, code.function, frame.line});
}

std::string StackReport::FutexWords(Process& process, size_t thread) {
  const SeenThread& waiting = process.seen->threads[thread];
  const auto futex = FutexOf(waiting);
  if (!futex || !process.memory) return {};
  const auto call = ParseSystemCall(waiting.call);
  if (!call) return {};
  if (const auto owner = OwnerOfMutexAt(*process.memory, *futex)) {
    if (*owner == waiting.inner_id) return "a mutex that this thread itself holds";
    if (const auto index = IndexOf(process, *owner)) {
      return "a mutex held by " + ThreadOf(*process.seen, *index) + WhereIs(process, *owner);
    }
    // It may be one of those that could not be read.
    if (process.seen->more_threads > 0) return {};
    if (!process.forked) {
      // Only glibc's mutexes have enough words to tell them from what looks like one.
      if (*futex % 8 != 0) return {};
      return "a mutex held by thread " + std::to_string(*owner) +
             ", which this process does not have (any more)";
    }
    const Process& parent = *process.parent;
    const auto index = IndexOf(parent, *owner);
    if (!index) return {};
    return "a mutex copied, locked, through fork: no thread of this process holds it; its original was "
           "locked by " +
           ThreadOf(*parent.seen, *index) + " of " + ParentOf(*parent.seen) + WhereIs(parent, *owner);
  }
  const auto joined = JoinedThread(*process.memory, *futex, call->arguments[1], call->arguments[2]);
  const auto index = joined ? IndexOf(process, *joined) : std::nullopt;
  return index ? "the end of " + ThreadOf(*process.seen, *index) : std::string();
}

}  // namespace imagebatch::runner
