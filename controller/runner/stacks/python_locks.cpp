// Which lock a thread waits for, and who is in a `with` of it.
#include <algorithm>

#include "runner/stacks/python_reader.h"
#include "runner/stacks/python_tables.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kMostSlots = 256;     // of a frame: locals and values of the stack
constexpr int32_t kClosureSlots = 32;  // of frame objects, whose cells are not among the locals
constexpr size_t kMostHeldDepth = 64;
constexpr size_t kExceptionTableBytes = size_t{256} << 10;
constexpr uint64_t kExceptionTable = 40;  // in a code object, from 3.11 on
constexpr uint64_t kBody = 16;            // of an object, behind its count of references and its type
constexpr uint64_t kTagBits = 7;
constexpr const char* kRLock = "_thread.RLock";
constexpr uint64_t kOwner = kBody + 8, kCount = kBody + 16;  // of an RLock

}  // namespace

/// The futex is the lock's own, so it is enough to find an object that leads to it: among the locals and the
/// stack of the innermost frame, as itself or as what a bound method belongs to.
void PythonReader::FindLock(const KernelThread& kernel, PythonThread& thread) {
  const PythonFrame& frame = thread.frames.front();
  const uint64_t code = CodeOf(frame).address;
  const int64_t locals = memory_.Get<int32_t>(code + layout_.local_count).value_or(0);
  const int64_t stack = memory_.Get<int32_t>(code + layout_.stack_size).value_or(0);
  if (locals < 0 || stack < 0) return;
  const int64_t count = locals + stack + (layout_.frame_objects ? kClosureSlots : 0);
  std::vector<uint64_t> slots(std::min(static_cast<size_t>(count), kMostSlots));
  if (!memory_.Read(frame.address + layout_.locals, slots.data(), slots.size() * sizeof(uint64_t))) return;
  for (uint64_t slot : slots) {
    slot &= ~kTagBits;
    if (slot == 0) continue;
    auto lock = LockAt(slot, *kernel.futex);
    if (!lock) {
      if (const uint64_t self = objects_.SelfOfBuiltin(slot); self != 0) lock = LockAt(self, *kernel.futex);
    }
    if (!lock) continue;
    thread.waits_for = lock;
    return;
  }
}

/// To 3.13.0 a lock points to a semaphore, whose first word is the futex. Then it is a byte within the
/// object, and who waits does so on a semaphore of its own stack, before which the address of that byte
/// stands.
std::optional<PythonLock> PythonReader::LockAt(uint64_t object, uint64_t futex) {
  const uint64_t body = object + kBody;
  const bool parked = runtime_.version.minor >= 13 && memory_.Word(futex - sizeof(uint64_t)) == body;
  if (!parked && memory_.Word(body) != futex) return std::nullopt;
  const std::string type = objects_.TypeName(object);
  PythonLock lock{.kind = PythonLock::Kind::Lock, .object = object, .owner = 0};
  if (type == kRLock) {
    lock.kind = PythonLock::Kind::RLock;
    lock.owner = memory_.Word(object + kOwner);
    if (lock.owner == 0 || (!parked && memory_.Word(object + kCount) == 0)) return std::nullopt;
    return lock;
  }
  if (type != "_thread.lock") return std::nullopt;
  const bool locked = parked ? (memory_.Get<uint8_t>(body).value_or(0) & 1) != 0
                             : memory_.Get<uint32_t>(futex).value_or(1) == 0;
  if (!locked) return std::nullopt;
  return lock;
}

bool PythonReader::Holds(uint64_t lock, uint64_t ident) {
  return objects_.TypeName(lock) == kRLock && memory_.Word(lock + kOwner) == ident;
}

std::optional<LockHolder> PythonReader::Holder(uint64_t lock) {
  if (!held_) FindHeldLocks();
  const auto found = held_->find(lock);
  if (found == held_->end()) return std::nullopt;
  return found->second;
}

void PythonReader::FindHeldLocks() {
  held_.emplace();
  if (layout_.frame_objects) return;
  for (size_t thread = 0; thread < threads_.size(); ++thread) {
    for (size_t frame = 0; frame < threads_[thread].frames.size(); ++frame) AddHeldLocks(thread, frame);
  }
}

/// A `with` keeps the lock's __exit__ on the stack until it is left, and the exception handler around its
/// body tells how much of the stack is kept: what lies there is no remnant.
void PythonReader::AddHeldLocks(size_t thread, size_t frame_index) {
  const PythonFrame& frame = threads_[thread].frames[frame_index];
  const uint64_t code = CodeOf(frame).address;
  const auto table = objects_.Bytes(memory_.Word(code + kExceptionTable), kExceptionTableBytes);
  const int kept = table ? KeptByHandler(*table, frame.offset) : 0;
  const int32_t locals = memory_.Get<int32_t>(code + layout_.local_count).value_or(-1);
  if (kept <= 0 || locals < 0) return;
  std::vector<uint64_t> slots(std::min(static_cast<size_t>(kept), kMostHeldDepth));
  const uint64_t stack = frame.address + layout_.locals + static_cast<uint64_t>(locals) * sizeof(uint64_t);
  if (!memory_.Read(stack, slots.data(), slots.size() * sizeof(uint64_t))) return;
  for (uint64_t slot : slots) {
    slot &= ~kTagBits;
    uint64_t lock = objects_.SelfOfBuiltin(slot, "__exit__");
    // 3.14 keeps the method and the lock apart.
    if (lock == 0 && runtime_.version.minor >= 14) lock = slot;
    if (lock != 0) held_->try_emplace(lock, LockHolder{thread, frame_index});
  }
}

}  // namespace imagebatch::runner
