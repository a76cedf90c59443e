#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "runner/stacks/memory.h"

namespace imagebatch::runner {

/// The exported names of a program or a library (ELF, 64 bits), read from the memory of the process that has
/// it mapped: no file is needed, so it may be deleted, stripped or below another root.
class ElfSymbols {
 public:
  /// Of what is mapped from `base` on; nothing where that is no ELF file with dynamic symbols. `memory`
  /// outlives it.
  static std::optional<ElfSymbols> At(Memory& memory, uint64_t base);

  /// The address of `name`; 0 where it is not exported.
  uint64_t Find(std::string_view name) const;

 private:
  explicit ElfSymbols(Memory& memory) : memory_(&memory) {}

  bool ReadTables(uint64_t base, uint64_t dynamic, uint64_t size);
  uint64_t FindByGnuHash(std::string_view name) const;
  uint64_t FindByHash(std::string_view name) const;
  /// The address of the symbol `index` where it is called `name` and defined here; else 0.
  uint64_t AddressOf(uint32_t index, std::string_view name) const;

  Memory* memory_;
  uint64_t bias_ = 0;  // what an address in the file and that in memory differ by
  uint64_t symbols_ = 0, names_ = 0;
  uint64_t hash_ = 0;
  uint64_t gnu_buckets_ = 0;  // 0: it has no such table
  uint32_t gnu_bucket_count_ = 0, gnu_first_ = 0;
};

}  // namespace imagebatch::runner
