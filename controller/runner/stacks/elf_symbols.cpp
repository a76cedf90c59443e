#include "runner/stacks/elf_symbols.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace imagebatch::runner {
namespace {

constexpr size_t kMostSegments = 64;
constexpr size_t kMostDynamicBytes = size_t{64} << 10;
constexpr int kMostSteps = 256;  // along one chain of a hash table
constexpr size_t kNameBytes = 80;
constexpr uint64_t kPage = 4096;

/// The hash of DT_GNU_HASH.
uint32_t GnuHash(std::string_view name) {
  uint32_t hash = 5381;
  for (char c : name) hash = hash * 33 + static_cast<unsigned char>(c);
  return hash;
}

/// The hash of DT_HASH (System V ABI).
uint32_t SystemVHash(std::string_view name) {
  uint32_t hash = 0;
  for (char c : name) {
    hash = (hash << 4) + static_cast<unsigned char>(c);
    const uint32_t high = hash & 0xF000'0000;
    hash = (hash ^ high >> 24) & ~high;
  }
  return hash;
}

}  // namespace

std::optional<ElfSymbols> ElfSymbols::At(Memory& memory, uint64_t base) {
  const auto header = memory.Get<Elf64_Ehdr>(base);
  if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return std::nullopt;
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phentsize != sizeof(Elf64_Phdr))
    return std::nullopt;
  if (header->e_phnum == 0 || header->e_phnum > kMostSegments) return std::nullopt;
  std::vector<Elf64_Phdr> segments(header->e_phnum);
  if (!memory.Read(base + header->e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr))) {
    return std::nullopt;
  }
  ElfSymbols symbols(memory);
  uint64_t lowest = UINT64_MAX;
  const Elf64_Phdr* dynamic = nullptr;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD) lowest = std::min<uint64_t>(lowest, segment.p_vaddr & ~(kPage - 1));
    if (segment.p_type == PT_DYNAMIC) dynamic = &segment;
  }
  if (dynamic == nullptr || lowest == UINT64_MAX) return std::nullopt;
  symbols.bias_ = base - lowest;
  if (!symbols.ReadTables(base, symbols.bias_ + dynamic->p_vaddr, dynamic->p_memsz)) return std::nullopt;
  return symbols;
}

bool ElfSymbols::ReadTables(uint64_t base, uint64_t dynamic, uint64_t size) {
  if (size > kMostDynamicBytes) return false;
  std::vector<Elf64_Dyn> entries(size / sizeof(Elf64_Dyn));
  if (!memory_->Read(dynamic, entries.data(), entries.size() * sizeof(Elf64_Dyn))) return false;
  uint64_t gnu_hash = 0;
  for (const Elf64_Dyn& entry : entries) {
    if (entry.d_tag == DT_NULL) break;
    // glibc's loader has made addresses of them; musl's leaves them as they are in the file.
    const uint64_t address = entry.d_un.d_ptr < base ? entry.d_un.d_ptr + bias_ : entry.d_un.d_ptr;
    if (entry.d_tag == DT_SYMTAB) symbols_ = address;
    if (entry.d_tag == DT_STRTAB) names_ = address;
    if (entry.d_tag == DT_GNU_HASH) gnu_hash = address;
    if (entry.d_tag == DT_HASH) hash_ = address;
  }
  if (gnu_hash != 0) {
    struct {
      uint32_t buckets, first_symbol, bloom_words, bloom_shift;
    } table{};
    if (!memory_->Read(gnu_hash, &table, sizeof table)) return false;
    gnu_bucket_count_ = table.buckets;
    gnu_first_ = table.first_symbol;
    gnu_buckets_ = gnu_hash + sizeof table + uint64_t{table.bloom_words} * sizeof(uint64_t);
  }
  return symbols_ != 0 && names_ != 0;
}

uint64_t ElfSymbols::Find(std::string_view name) const {
  if (gnu_buckets_ != 0) return FindByGnuHash(name);
  return hash_ != 0 ? FindByHash(name) : 0;
}

uint64_t ElfSymbols::AddressOf(uint32_t index, std::string_view name) const {
  const auto symbol = memory_->Get<Elf64_Sym>(symbols_ + uint64_t{index} * sizeof(Elf64_Sym));
  if (!symbol || symbol->st_shndx == SHN_UNDEF) return 0;
  return memory_->Text(names_ + symbol->st_name, kNameBytes) == name ? bias_ + symbol->st_value : 0;
}

uint64_t ElfSymbols::FindByGnuHash(std::string_view name) const {
  if (gnu_bucket_count_ == 0) return 0;
  const uint32_t hash = GnuHash(name);
  const uint64_t bucket = gnu_buckets_ + uint64_t{hash % gnu_bucket_count_} * sizeof(uint32_t);
  uint32_t index = memory_->Get<uint32_t>(bucket).value_or(0);
  if (index < gnu_first_) return 0;
  const uint64_t chains = gnu_buckets_ + uint64_t{gnu_bucket_count_} * sizeof(uint32_t);
  for (int step = 0; step < kMostSteps; ++step, ++index) {
    const auto entry = memory_->Get<uint32_t>(chains + uint64_t{index - gnu_first_} * sizeof(uint32_t));
    if (!entry) return 0;
    if ((*entry | 1) == (hash | 1)) {
      if (const uint64_t address = AddressOf(index, name); address != 0) return address;
    }
    if ((*entry & 1) != 0) return 0;  // the last of its chain
  }
  return 0;
}

uint64_t ElfSymbols::FindByHash(std::string_view name) const {
  const uint32_t count = memory_->Get<uint32_t>(hash_).value_or(0);
  if (count == 0) return 0;
  const uint64_t buckets = hash_ + 2 * sizeof(uint32_t);
  const uint64_t chains = buckets + uint64_t{count} * sizeof(uint32_t);
  uint64_t next = buckets + uint64_t{SystemVHash(name) % count} * sizeof(uint32_t);
  for (int step = 0; step < kMostSteps; ++step) {
    const uint32_t index = memory_->Get<uint32_t>(next).value_or(0);
    if (index == 0) return 0;
    if (const uint64_t address = AddressOf(index, name); address != 0) return address;
    next = chains + uint64_t{index} * sizeof(uint32_t);
  }
  return 0;
}

}  // namespace imagebatch::runner
