#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>

// What clang's thread-safety analysis reads (https://clang.llvm.org/docs/ThreadSafetyAnalysis.html, whose
// names these are): a member says which mutex guards it, and `./dev lint` finds every access without it. GCC
// ignores them.
#ifdef __clang__
#define IMAGEBATCH_ATTRIBUTE(x) __attribute__((x))
#else
#define IMAGEBATCH_ATTRIBUTE(x)
#endif
#define CAPABILITY(name) IMAGEBATCH_ATTRIBUTE(capability(name))
#define SCOPED_CAPABILITY IMAGEBATCH_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(mutex) IMAGEBATCH_ATTRIBUTE(guarded_by(mutex))
#define REQUIRES(...) IMAGEBATCH_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) IMAGEBATCH_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) IMAGEBATCH_ATTRIBUTE(release_capability(__VA_ARGS__))
#define EXCLUDES(...) IMAGEBATCH_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace imagebatch {

/// std::mutex as a thing that the analysis knows; the standard library's own carries no annotations.
class CAPABILITY("mutex") Mutex {
 public:
  void Lock() ACQUIRE() { mutex_.lock(); }
  void Unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

/// Holds a mutex from here to the end of the block, but for what lies between Unlock and Lock.
class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() RELEASE() {
    if (held_) mutex_.Unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void Unlock() RELEASE() {
    mutex_.Unlock();
    held_ = false;
  }
  void Lock() ACQUIRE() {
    mutex_.Lock();
    held_ = true;
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

/// Something that threads wait for, holding the mutex that guards it. They may wake without a cause: wait in
/// a loop that looks at what is waited for.
class Condition {
 public:
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  /// False once the time has come.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point time) REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const bool woken = condition_.wait_until(lock, time) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }

 private:
  std::condition_variable condition_;
};

}  // namespace imagebatch
