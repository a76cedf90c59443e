#include "batch/selection.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <unordered_set>
#include <utility>

namespace imagebatch::batch {
namespace {

/// A number from 0 to `most`, as numpy's legacy generator draws it (random_interval in distributions.c): as
/// many bits as `most` has, again and again until they are no more than it.
uint32_t Draw(std::mt19937& random, uint32_t most) {
  uint32_t mask = most;
  for (const unsigned shift : {1U, 2U, 4U, 8U, 16U}) mask |= mask >> shift;
  while (true) {
    const auto drawn = static_cast<uint32_t>(random()) & mask;
    if (drawn <= most) return drawn;
  }
}

}  // namespace

// RandomState(seed) fills the state of MT19937 as std::mt19937(seed) does. choice is the head of a
// permutation, which is a shuffle from the end (RandomState.shuffle in mtrand.pyx).
std::vector<uint32_t> Sample(uint32_t count, size_t size, uint32_t seed) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  std::mt19937 random(seed);
  for (uint32_t i = count; i-- > 1;) std::swap(numbers[i], numbers[Draw(random, i)]);
  numbers.resize(std::min<size_t>(size, count));
  return numbers;
}

std::vector<ConfigMapKey> Sources(const Images& images) {
  std::vector<ConfigMapKey> sources = images.config_maps;
  if (images.select && images.select->config_map) sources.push_back(*images.select->config_map);
  return sources;
}

tl::expected<std::vector<uint32_t>, std::vector<std::string_view>> FindNamed(
    const Rows& rows, const std::vector<std::string>& names) {
  std::unordered_set<std::string_view> wanted(names.begin(), names.end());
  std::vector<uint32_t> found;
  for (uint32_t row = 0; row < rows.size(); ++row) {
    if (wanted.erase(rows.name(row)) > 0) found.push_back(row);
  }
  if (wanted.empty()) return found;
  std::vector<std::string_view> unknown;
  for (const std::string& name : names) {
    if (wanted.erase(name) > 0) unknown.push_back(name);
  }
  return tl::unexpected(std::move(unknown));
}

}  // namespace imagebatch::batch
