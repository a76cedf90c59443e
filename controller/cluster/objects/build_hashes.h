#pragma once
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "base/text_index.h"
#include "batch/expand.h"
#include "cluster/objects/names.h"

namespace imagebatch::cluster {

/// The hashes of all builds of a batch (BuildHash), and the way back.
class BuildHashes {
 public:
  BuildHashes(const batch::Batch& batch, const batch::Expansion& expansion);

  std::string_view operator[](uint32_t build) const { return {hashes_[build].data(), kBuildHashSize}; }
  /// Which build has it.
  std::optional<uint32_t> Find(std::string_view hash) const;

 private:
  std::vector<std::array<char, kBuildHashSize>> hashes_;
  TextIndex index_;
};

}  // namespace imagebatch::cluster
