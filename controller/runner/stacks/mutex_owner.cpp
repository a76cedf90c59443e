#include "runner/stacks/mutex_owner.h"

#include <linux/futex.h>

namespace imagebatch::runner {
namespace {

// nptl/pthreadP.h: what may be set in the kind, and what it means
constexpr int32_t kKindBits = 0x3B3;
constexpr int32_t kType = 3, kRecursive = 1, kRobust = 16, kInherits = 32;
constexpr int32_t kOwnerBits = FUTEX_TID_MASK;
constexpr int32_t kLockedWithWaiters = 2;
constexpr int32_t kMostUsers = 65536;
constexpr int32_t kMostSpins = 1000;

}  // namespace

std::optional<pid_t> OwnerOfMutex(const MutexWords& words) {
  const auto [lock, count, owner, users, kind, spins, list0, list1, list2, list3] = words;
  if (owner <= 0 || users < 1 || users >= kMostUsers || (kind & ~kKindBits) != 0) return std::nullopt;
  const bool robust = (kind & kRobust) != 0;
  const bool keeps_owner = robust || (kind & kInherits) != 0;
  if (keeps_owner ? (lock & kOwnerBits) != owner : lock != kLockedWithWaiters) return std::nullopt;
  const bool counts = (kind & kType) == kRecursive;
  if (counts ? count <= 0 : count != 0 && !robust) return std::nullopt;
  if ((spins & 0xFFFF) > kMostSpins) return std::nullopt;
  if (!robust && (list0 != 0 || list1 != 0 || list2 != 0 || list3 != 0)) return std::nullopt;
  return owner;
}

std::optional<pid_t> OwnerOfMutexAt(Memory& memory, uint64_t futex) {
  if (futex % 8 == 0) {
    const auto words = memory.Get<MutexWords>(futex);
    return words ? OwnerOfMutex(*words) : std::nullopt;
  }
  if (futex % 8 != 4) return std::nullopt;
  // musl: type, lock, waiters. Only recursive ones and those that check for errors know their owner.
  const auto words = memory.Get<std::array<int32_t, 3>>(futex - 4);
  if (!words) return std::nullopt;
  const auto [type, lock, waiters] = *words;
  constexpr int32_t kTypeBits = 0xBF, kLeastId = 16;
  if ((type & 3) < 1 || (type & 3) > 2 || (type & ~kTypeBits) != 0 || waiters < 1) return std::nullopt;
  const int32_t owner = lock & kOwnerBits;
  if (owner <= kLeastId) return std::nullopt;  // EBUSY: a normal one
  return owner;
}

std::optional<pid_t> JoinedThread(Memory& memory, uint64_t futex, uint64_t operation, uint64_t expected) {
  if ((operation & FUTEX_PRIVATE_FLAG) != 0) return std::nullopt;
  const auto id = memory.Get<int32_t>(futex);
  if (!id || *id <= 0 || static_cast<uint32_t>(*id) != static_cast<uint32_t>(expected)) return std::nullopt;
  return id;
}

}  // namespace imagebatch::runner
