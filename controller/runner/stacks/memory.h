#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "runner/proc/files.h"

namespace imagebatch::runner {

/// The memory of another process. Whatever stands there is that process's: it may be anything, may be made to
/// mislead, and may change between two reads. So the work that it can cause is bounded: after so many reads
/// or bytes every further read fails.
class Memory {
 public:
  static constexpr size_t kMostReads = 300'000;
  static constexpr size_t kMostBytes = size_t{64} << 20;

  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  virtual ~Memory() = default;

  /// All `size` bytes from `address` on; false where not all of them can be had.
  bool Read(uint64_t address, void* to, size_t size);

  template <class Value>
  std::optional<Value> Get(uint64_t address) {
    static_assert(std::is_trivially_copyable_v<Value>);
    Value value;
    if (!Read(address, &value, sizeof value)) return std::nullopt;
    return value;
  }
  /// A pointer or a number of 64 bits; 0 where it cannot be read.
  uint64_t Word(uint64_t address) { return Get<uint64_t>(address).value_or(0); }
  /// The bytes up to a zero byte, which goes; nothing where there is none among the first `limit` + 1.
  std::optional<std::string> Text(uint64_t address, size_t limit);

  size_t Reads() const { return reads_; }
  /// The bounds were reached: what could not be read may be there all the same.
  bool Exhausted() const { return reads_ >= kMostReads || bytes_ >= kMostBytes; }

 private:
  virtual bool ReadAt(uint64_t address, void* to, size_t size) = 0;

  size_t reads_ = 0;
  size_t bytes_ = 0;
};

/// /proc/PID/mem: needs no more than open() and pread(), which no seccomp profile refuses, and stays with the
/// program it was opened for: once that has ended or started another, every read fails.
class ProcessMemory : public Memory {
 public:
  /// `file` outlives it.
  explicit ProcessMemory(const Descriptor& file) : file_(file) {}

 private:
  bool ReadAt(uint64_t address, void* to, size_t size) override;

  const Descriptor& file_;
};

}  // namespace imagebatch::runner
