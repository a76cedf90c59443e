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
  if (change.verdict.kind == Verdict::Kind::Hang)
    alike_[change.verdict.alike.fingerprint].insert(PlaceOf(change));
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
  if (const auto group = alike_.find(at->second.verdict.alike.fingerprint);
      group != alike_.end() && group->second.erase(PlaceOf(at->second)) > 0 && group->second.empty())
    alike_.erase(group);
  if (TakeOne(attempts_, at->second.build)) changes_ += builds_.erase(at->second.build);
  by_job_.erase(at);
}

void FlaggedList::EvidenceIsNotKept(const std::string& job) {
  const auto at = by_job_.find(job);
  if (at != by_job_.end()) at->second.evidence.record.clear();
}

std::vector<HangGroup> FlaggedList::Groups() const {
  std::vector<HangGroup> groups;
  groups.reserve(alike_.size());
  for (const auto& [fingerprint, places] : alike_) {
    const Verdict& verdict = by_job_.at(places.begin()->second).verdict;
    const auto count = static_cast<int64_t>(places.size());
    groups.push_back(
        {verdict.alike, verdict.class_name, count, count, places.begin()->first, places.rbegin()->first});
  }
  return groups;
}

size_t FlaggedList::alike(const std::string& fingerprint) const {
  const auto at = alike_.find(fingerprint);
  return at == alike_.end() ? 0 : at->second.size();
}

std::vector<const VerdictChange*> FlaggedList::First(Verdict::Kind kind, size_t most) const {
  const std::set<Place>& oldest = of(kind).oldest;
  std::vector<const VerdictChange*> first;
  for (auto at = oldest.begin(); at != oldest.end() && first.size() < most; ++at)
    first.push_back(&by_job_.at(at->second));
  return first;
}

}  // namespace imagebatch::cluster
