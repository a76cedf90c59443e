#include "cluster/objects/builds.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace imagebatch::cluster {

using nlohmann::json;

namespace {

/// FNV-1a: the same wherever it is made.
uint64_t SeedOf(std::string_view hash) {
  uint64_t seed = 0xCBF29CE484222325;
  for (const char byte : hash) seed = (seed ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
  return seed;
}

}  // namespace

Builds::Builds(const batch::Batch& batch, batch::Expansion expansion)
    : batch_(batch), expansion_(std::move(expansion)) {
  const auto hash_of = [this](uint32_t build) { return hash(build); };
  hashes_.reserve(size());
  for (const batch::Build& build : expansion_.builds) {
    const std::string hash = BuildHash(batch.uid, batch.stages[build.stage].name, build.key);
    const auto number = static_cast<uint32_t>(hashes_.size());
    std::copy(hash.begin(), hash.end(), hashes_.emplace_back().begin());
    if (!index_.Find(hash, hash_of)) index_.Add(number, hash_of);  // 50 bits: two may be the same, by chance
  }
}

std::optional<uint32_t> Builds::Find(std::string_view hash) const {
  return index_.Find(hash, [this](uint32_t build) { return this->hash(build); });
}

std::optional<uint32_t> Builds::Find(std::string_view stage, std::string_view name) const {
  return Find(BuildHash(batch_.uid, stage, name));
}

std::string Builds::JobName(uint32_t build, int attempt) const {
  return cluster::JobName(batch_.name, hash(build), attempt);
}

std::optional<std::pair<uint32_t, int>> Builds::FindJob(std::string_view name) const {
  const size_t last = name.rfind('-');
  if (last == std::string_view::npos || last == 0) return std::nullopt;
  const size_t before = name.rfind('-', last - 1);
  if (before == std::string_view::npos) return std::nullopt;
  int attempt = 0;
  std::from_chars(name.data() + last + 1, name.data() + name.size(), attempt);
  const auto build = Find(name.substr(before + 1, last - before - 1));
  if (!build || attempt < 1 || JobName(*build, attempt) != name) return std::nullopt;
  return std::pair(*build, attempt);
}

std::string Builds::Job(const plan::Start& start, const RunnerSource& runner,
                        const std::string& marker) const {
  const uint32_t build = start.build;
  const JobSpec spec{std::string(hash(build)), name(build), start.attempt, runner, marker, start.round};
  return JobObject(batch_, stage(build), expansion_.builds[build], spec,
                   batch::RenderTemplate(batch_, expansion_, build))
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

plan::Graph Builds::Graph() const {
  plan::Graph graph;
  graph.stages.reserve(size());
  for (const batch::Build& build : expansion_.builds) graph.stages.push_back(build.stage);
  graph.needs = expansion_.needs;
  graph.seeds.reserve(size());
  for (uint32_t build = 0; build < size(); ++build) graph.seeds.push_back(SeedOf(hash(build)));
  return graph;
}

}  // namespace imagebatch::cluster
