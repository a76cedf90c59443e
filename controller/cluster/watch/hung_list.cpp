#include "cluster/watch/hung_list.h"

#include <utility>

#include "cluster/watch/stall.h"

namespace imagebatch::cluster {
namespace {

/// True where that was the last.
template <class Map, class Key>
bool TakeOne(Map& counts, const Key& key) {
  const auto at = counts.find(key);
  if (--at->second > 0) return false;
  counts.erase(at);
  return true;
}

}  // namespace

HungList::Place HungList::PlaceOf(const HangChange& change) {
  return {IsStall(change.verdict.klass), change.verdict.since, change.job};
}

const HangChange* HungList::Find(const std::string& job) const {
  const auto at = by_job_.find(job);
  return at == by_job_.end() ? nullptr : &at->second;
}

void HungList::Put(HangChange change) {
  Remove(change.job);
  told_.insert(PlaceOf(change));
  ++by_class_[change.verdict.klass];
  ++attempts_[change.build];
  if (builds_.insert(change.build).second) ++changes_;
  std::string job = change.job;
  by_job_.insert_or_assign(std::move(job), std::move(change));
}

void HungList::Remove(const std::string& job) {
  const auto at = by_job_.find(job);
  if (at == by_job_.end()) return;
  told_.erase(PlaceOf(at->second));
  TakeOne(by_class_, at->second.verdict.klass);
  if (TakeOne(attempts_, at->second.build)) changes_ += builds_.erase(at->second.build);
  by_job_.erase(at);
}

void HungList::EvidenceIsNotKept(const std::string& job) {
  const auto at = by_job_.find(job);
  if (at != by_job_.end()) at->second.evidence.config_map.clear();
}

std::vector<const HangChange*> HungList::First(size_t most) const {
  std::vector<const HangChange*> first;
  for (auto at = told_.begin(); at != told_.end() && first.size() < most; ++at)
    first.push_back(&by_job_.at(std::get<2>(*at)));
  return first;
}

}  // namespace imagebatch::cluster
