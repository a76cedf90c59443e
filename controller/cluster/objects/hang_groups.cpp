#include "cluster/objects/hang_groups.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace imagebatch::cluster {
namespace {

/// The words of `more` are as good as those that are there: equal fingerprints have equal ones.
void Join(std::map<std::string, HangGroup>& groups, const HangGroup& more) {
  auto [at, added] = groups.try_emplace(more.alike.fingerprint, more);
  if (added) return;
  HangGroup& group = at->second;
  group.count += more.count;
  group.hanging += more.hanging;
  group.first = std::min(group.first, more.first);
  group.last = std::max(group.last, more.last);
}

}  // namespace

void HangGroups::Ended(const Alike& alike, const std::string& class_name, Time since) {
  Join(ended_, {alike, class_name, 1, 0, since, since});
  if (ended_.size() <= kKept) return;
  ended_.erase(std::min_element(ended_.begin(), ended_.end(), [](const auto& one, const auto& other) {
    return one.second.last < other.second.last;
  }));
}

std::vector<HangGroup> HangGroups::With(const std::vector<HangGroup>& hanging) const {
  std::map<std::string, HangGroup> all = ended_;
  for (const HangGroup& group : hanging) Join(all, group);
  std::vector<HangGroup> groups;
  groups.reserve(all.size());
  for (auto& [fingerprint, group] : all) groups.push_back(std::move(group));
  std::sort(groups.begin(), groups.end(), [](const HangGroup& one, const HangGroup& other) {
    return std::tie(other.hanging, other.last, one.alike.fingerprint) <
           std::tie(one.hanging, one.last, other.alike.fingerprint);
  });
  return groups;
}

}  // namespace imagebatch::cluster
