#include "cluster/watch/flagged_list.h"

#include <utility>

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

const VerdictChange* FlaggedList::Find(const std::string& job) const {
  const auto at = by_job_.find(job);
  return at == by_job_.end() ? nullptr : &at->second;
}

void FlaggedList::Put(VerdictChange change) {
  Remove(change.job);
  OfKind& kind = of(change.verdict.kind);
  kind.oldest.insert(PlaceOf(change));
  ++kind.by_class[change.verdict.class_name];
  ++attempts_[change.build];
  if (builds_.insert(change.build).second) ++changes_;
  std::string job = change.job;
  by_job_.insert_or_assign(std::move(job), std::move(change));
}

void FlaggedList::Remove(const std::string& job) {
  const auto at = by_job_.find(job);
  if (at == by_job_.end()) return;
  OfKind& kind = of(at->second.verdict.kind);
  kind.oldest.erase(PlaceOf(at->second));
  TakeOne(kind.by_class, at->second.verdict.class_name);
  if (TakeOne(attempts_, at->second.build)) changes_ += builds_.erase(at->second.build);
  by_job_.erase(at);
}

void FlaggedList::EvidenceIsNotKept(const std::string& job) {
  const auto at = by_job_.find(job);
  if (at != by_job_.end()) at->second.evidence.record.clear();
}

std::vector<const VerdictChange*> FlaggedList::First(Verdict::Kind kind, size_t most) const {
  const std::set<Place>& oldest = of(kind).oldest;
  std::vector<const VerdictChange*> first;
  for (auto at = oldest.begin(); at != oldest.end() && first.size() < most; ++at)
    first.push_back(&by_job_.at(at->second));
  return first;
}

}  // namespace imagebatch::cluster
