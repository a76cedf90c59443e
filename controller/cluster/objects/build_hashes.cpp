#include "cluster/objects/build_hashes.h"

#include <algorithm>

namespace imagebatch::cluster {

BuildHashes::BuildHashes(const batch::Batch& batch, const batch::Expansion& expansion) {
  const auto hash_of = [this](uint32_t build) { return (*this)[build]; };
  hashes_.reserve(expansion.builds.size());
  for (const batch::Build& build : expansion.builds) {
    const std::string hash = BuildHash(batch.uid, batch.stages[build.stage].name, build.key);
    const auto number = static_cast<uint32_t>(hashes_.size());
    std::copy(hash.begin(), hash.end(), hashes_.emplace_back().begin());
    if (!index_.Find(hash, hash_of)) index_.Add(number, hash_of);  // 50 bits: two may be the same, by chance
  }
}

std::optional<uint32_t> BuildHashes::Find(std::string_view hash) const {
  return index_.Find(hash, [this](uint32_t build) { return (*this)[build]; });
}

}  // namespace imagebatch::cluster
