#include "cluster/reconciler.h"

#include <utility>

namespace imagebatch::cluster {

void Reconciler::Observe(const Event& event, Now now) {
  if (const auto* batch = std::get_if<BatchSeen>(&event)) return OnBatch(*batch, now);
  if (const auto* begun = std::get_if<ListBegun>(&event)) return OnListBegun(begun->collection);
  if (const auto* ended = std::get_if<ListEnded>(&event))
    return OnListEnded(ended->collection, ended->version, now);
  if (const auto* replied = std::get_if<Replied>(&event)) {
    const void* owner = requests_.Deliver(replied->id, replied->response, now);
    for (auto& [uid, entry] : batches_) {
      if (entry.control.get() != owner) continue;
      entry.control->OnReply();
      entry.touched = true;
    }
    return;
  }
  const auto* job = std::get_if<JobSeen>(&event);
  const auto* pod = std::get_if<PodSeen>(&event);
  Entry* entry = Find(job != nullptr ? job->job.batch_uid : pod->pod.batch_uid);
  if (entry == nullptr) {
    if (!ListingOf(Collection::Batches).Known()) parked_.push_back(event);
  } else if (job != nullptr) {
    entry->control->OnJob(job->change, job->job, now);
  } else {
    entry->control->OnPod(pod->change, pod->pod, now);
  }
}

Reconciler::Entry* Reconciler::Find(const std::string& uid) {
  const auto at = batches_.find(uid);
  if (at == batches_.end()) return nullptr;
  at->second.touched = true;
  return &at->second;
}

void Reconciler::OnBatch(const BatchSeen& seen, Now now) {
  const std::string uid = seen.object["metadata"].value("uid", "");
  if (seen.change == Change::Gone) {
    batches_.erase(uid);
    return;
  }
  if (Entry* entry = Find(uid)) {
    entry->listed = true;
    entry->control->OnObject(seen.object);
    return;
  }
  batches_[uid].control = std::make_unique<BatchControl>(seen.object, kit_, requests_, totals_);
  for (const Event& event : std::exchange(parked_, {})) Observe(event, now);
}

void Reconciler::OnListBegun(Collection collection) {
  ListingOf(collection).under_way = true;
  if (collection == Collection::Batches) {
    for (auto& [uid, entry] : batches_) entry.listed = false;
    return;
  }
  std::erase_if(parked_, [&](const Event& event) {
    return std::holds_alternative<JobSeen>(event) == (collection == Collection::Jobs);
  });
  for (auto& [uid, entry] : batches_) entry.control->OnListBegun(collection);
}

void Reconciler::OnListEnded(Collection collection, Version version, Now now) {
  ListingOf(collection) = {false, true};
  if (collection == Collection::Batches) {
    std::erase_if(batches_, [](const auto& item) { return !item.second.listed; });
    parked_.clear();  // what is left belongs to batches that are gone
  }
  for (auto& [uid, entry] : batches_) {
    if (collection != Collection::Batches) entry.control->OnListEnded(collection, version, now);
    entry.touched = true;
  }
}

std::vector<Command> Reconciler::Step(Now now) {
  const bool cluster_known = ListingOf(Collection::Jobs).Known() && ListingOf(Collection::Pods).Known();
  for (auto& [uid, entry] : batches_) {
    const auto next = entry.control->Next(now);
    if (!std::exchange(entry.touched, false) && !(next && *next <= now.steady)) continue;
    entry.control->Step(cluster_known, now);
  }
  return requests_.Take();
}

std::optional<SteadyTime> Reconciler::Next(Now now) const {
  std::optional<SteadyTime> first;
  for (const auto& [uid, entry] : batches_) {
    const auto next = entry.control->Next(now);
    if (next && (!first || *next < *first)) first = next;
  }
  return first;
}

bool Reconciler::Synced() const {
  return ListingOf(Collection::Batches).seen && ListingOf(Collection::Jobs).seen &&
         ListingOf(Collection::Pods).seen;
}

void Reconciler::Fill(metrics::Snapshot& snapshot) const {
  for (const auto& [uid, entry] : batches_) snapshot.batches.push_back(entry.control->Sample());
  snapshot.totals = totals_;
}

}  // namespace imagebatch::cluster
