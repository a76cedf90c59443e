#include "runner/stacks/mutex_owner.h"

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <cstring>

#include "support/python_image.h"

namespace imagebatch::runner {
namespace {

using imagebatch::testing::ImitatedMemory;

constexpr MutexWords kHeld = {2, 0, 4711, 1, 0, 0, 0, 0, 0, 0};

/// `kHeld` with one word changed.
MutexWords With(size_t index, int32_t word) {
  MutexWords words = kHeld;
  words.at(index) = word;
  return words;
}

TEST(Mutex, TellsItsOwner) {
  EXPECT_EQ(OwnerOfMutex(kHeld), 4711);
  EXPECT_EQ(OwnerOfMutex({2, 3, 4711, 1, 1, 0, 0, 0, 0, 0}), 4711) << "recursive";
  EXPECT_EQ(OwnerOfMutex({2, 0, 4711, 1, 2, 0, 0, 0, 0, 0}), 4711) << "checks for errors";
  EXPECT_EQ(OwnerOfMutex({2, 0, 4711, 1, 3, 100, 0, 0, 0, 0}), 4711) << "adaptive";
  EXPECT_EQ(OwnerOfMutex({static_cast<int32_t>(0x80000000U | 4711), 0, 4711, 1, 16, 0, 1, 2, 3, 4}), 4711)
      << "robust";
}

TEST(Mutex, IsNoneWhereAnyWordIsNotThatOfAHeldOne) {
  EXPECT_FALSE(OwnerOfMutex(With(0, 0))) << "not locked";
  EXPECT_FALSE(OwnerOfMutex(With(0, 1))) << "nobody waits";
  EXPECT_FALSE(OwnerOfMutex(With(1, 1))) << "counts, and is not recursive";
  EXPECT_FALSE(OwnerOfMutex(With(2, 0))) << "nobody's";
  EXPECT_FALSE(OwnerOfMutex(With(2, -1)));
  EXPECT_FALSE(OwnerOfMutex(With(3, 0))) << "no users: a Mutex of Rust that holds a number";
  EXPECT_FALSE(OwnerOfMutex(With(3, 70'000)));
  EXPECT_FALSE(OwnerOfMutex(With(4, 0x400))) << "no kind";
  EXPECT_FALSE(OwnerOfMutex(With(4, 1))) << "recursive, and counts nothing";
  EXPECT_FALSE(OwnerOfMutex(With(4, 32))) << "inherits priority: the word would be the owner";
  EXPECT_FALSE(OwnerOfMutex(With(5, 5000)));
  EXPECT_FALSE(OwnerOfMutex(With(7, 1)));
}

/// As this machine's C library has them.
TEST(Mutex, OfTheCLibraryTellsItsOwner) {
  for (int type : {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK}) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutex_t mutex;
    pthread_mutex_init(&mutex, &attributes);
    pthread_mutex_lock(&mutex);
    MutexWords words{};
    memcpy(words.data(), &mutex, sizeof words);
    words[0] = 2;  // as if somebody waited
    EXPECT_EQ(OwnerOfMutex(words), gettid()) << type;
    pthread_mutex_unlock(&mutex);
    pthread_mutex_destroy(&mutex);
    pthread_mutexattr_destroy(&attributes);
  }
  alignas(8) char semaphore[64] = {};
  sem_init(reinterpret_cast<sem_t*>(semaphore), 0, 0);
  MutexWords words{};
  memcpy(words.data(), semaphore, sizeof words);
  EXPECT_FALSE(OwnerOfMutex(words));
}

TEST(Mutex, IsReadWhereItLies) {
  ImitatedMemory memory;
  const uint64_t glibc = memory.Add(64);
  memory.Put(glibc, kHeld);
  EXPECT_EQ(OwnerOfMutexAt(memory, glibc), 4711);
  EXPECT_FALSE(OwnerOfMutexAt(memory, glibc + 2));
  EXPECT_FALSE(OwnerOfMutexAt(memory, 0x1000)) << "not there";
  const uint64_t musl = memory.Add(64);
  memory.Put(musl, std::array<int32_t, 3>{1, static_cast<int32_t>(0x80000000U | 4711), 1});
  EXPECT_EQ(OwnerOfMutexAt(memory, musl + 4), 4711);
  memory.Put(musl, std::array<int32_t, 3>{0, 16, 1});
  EXPECT_FALSE(OwnerOfMutexAt(memory, musl + 4)) << "a normal one does not know its owner";
}

TEST(JoinedThread, IsWhatTheWordSays) {
  ImitatedMemory memory;
  const uint64_t word = memory.Add(8);
  memory.Put(word, int32_t{99});
  EXPECT_EQ(JoinedThread(memory, word, FUTEX_WAIT, 99), 99);
  EXPECT_FALSE(JoinedThread(memory, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 99)) << "a lock";
  EXPECT_FALSE(JoinedThread(memory, word, FUTEX_WAIT, 98)) << "it has changed since";
  EXPECT_FALSE(JoinedThread(memory, 0x1000, FUTEX_WAIT, 99));
}

}  // namespace
}  // namespace imagebatch::runner
