#pragma once
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>

#include "runner/stacks/memory.h"

namespace imagebatch::runner {

/// The start of a pthread_mutex_t of glibc, as an array of int: lock, count, owner, users, kind, spins and
/// elision, and the two pointers of the list of robust ones.
using MutexWords = std::array<int32_t, 10>;

/// The thread that holds the mutex, by its id in its own PID namespace; nothing where the words are not those
/// of a held mutex for sure. Semaphores, condition variables and the locks of other languages look alike at
/// first sight, so all of the words count. (A read-write lock does not say who reads.)
std::optional<pid_t> OwnerOfMutex(const MutexWords& words);

/// Of the mutex whose futex a thread waits on; that of musl too, where it records its owner.
std::optional<pid_t> OwnerOfMutexAt(Memory& memory, uint64_t futex);

/// pthread_join(): the thread whose end is waited for, by the word that the kernel clears then. `operation`
/// and `expected` are the second and third argument of the futex call.
std::optional<pid_t> JoinedThread(Memory& memory, uint64_t futex, uint64_t operation, uint64_t expected);

}  // namespace imagebatch::runner
