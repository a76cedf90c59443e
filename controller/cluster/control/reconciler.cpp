#include "cluster/control/reconciler.h"

#include <utility>

namespace imagebatch::cluster {
namespace {

/// The wall clock may be set: what was to happen at a moment of the calendar is then due at another one.
constexpr std::chrono::seconds kClockIsSet(1);

Duration ClocksApart(Now now) {
  return std::chrono::duration_cast<Duration>(now.wall.time_since_epoch() - now.steady.time_since_epoch());
}

}  // namespace

void Reconciler::Observe(const Event& event, Now now) {
  if (const auto* batch = std::get_if<BatchSeen>(&event)) return OnBatch(*batch);
  if (const auto* begun = std::get_if<ListBegun>(&event)) return OnListBegun(begun->collection);
  if (const auto* ended = std::get_if<ListEnded>(&event))
    return OnListEnded(ended->collection, ended->version, now);
  if (const auto* replied = std::get_if<Replied>(&event)) {
    return requests_.Deliver(replied->id, replied->response, now);
  }
  const auto* job = std::get_if<JobSeen>(&event);
  const auto* pod = std::get_if<PodSeen>(&event);
  const std::string& uid = job != nullptr ? job->job.batch_uid : pod->pod.batch_uid;
  Entry* entry = Find(uid);
  if (entry == nullptr) {
    if (ListingOf(Collection::Batches).Known()) return;
    if (job != nullptr) parked_[uid].jobs.Put(job->change, job->job);
    if (pod != nullptr) parked_[uid].pods.Put(pod->change, pod->pod);
  } else if (job != nullptr) {
    entry->control->OnJob(job->change, job->job, now);
  } else {
    entry->control->OnPod(pod->change, pod->pod, now);
  }
}

/// Something of this batch is about to change.
Reconciler::Entry* Reconciler::Find(const std::string& uid) {
  const auto at = batches_.find(uid);
  if (at == batches_.end()) return nullptr;
  Touch(uid, at->second);
  return &at->second;
}

void Reconciler::Touch(const std::string& uid, Entry& entry) {
  touched_.insert(uid);
  entry.sample.reset();
}

void Reconciler::TouchAll() {
  for (auto& [uid, entry] : batches_) Touch(uid, entry);
}

void Reconciler::Forget(const std::string& uid) {
  const auto at = batches_.find(uid);
  if (at == batches_.end()) return;
  touched_.erase(uid);
  timers_.Set(uid, std::nullopt);
  batches_.erase(at);
}

void Reconciler::OnBatch(const BatchSeen& seen) {
  const std::string uid = seen.object["metadata"].value("uid", "");
  if (seen.change == Change::Gone) return Forget(uid);
  if (Entry* entry = Find(uid)) {
    entry->listed = true;
    entry->control->OnObject(seen.object);
    return;
  }
  Entry& entry = batches_[uid];
  entry.control =
      std::make_unique<BatchControl>(seen.object, kit_, requests_, totals_, [this, uid] { Find(uid); });
  Touch(uid, entry);
  if (auto parked = parked_.extract(uid)) entry.control->OnParked(std::move(parked.mapped()));
}

void Reconciler::OnListBegun(Collection collection) {
  ListingOf(collection).under_way = true;
  if (collection == Collection::Batches) {
    for (auto& [uid, entry] : batches_) entry.listed = false;
    return;
  }
  for (auto& [uid, parked] : parked_) parked.Clear(collection);
  for (auto& [uid, entry] : batches_) entry.control->OnListBegun(collection);
}

void Reconciler::OnListEnded(Collection collection, Version version, Now now) {
  ListingOf(collection) = {false, true};
  if (collection == Collection::Batches) {
    std::vector<std::string> gone;
    for (const auto& [uid, entry] : batches_) {
      if (!entry.listed) gone.push_back(uid);
    }
    for (const std::string& uid : gone) Forget(uid);
    parked_.clear();  // what is left belongs to batches that are gone
  } else {
    for (auto& [uid, entry] : batches_) entry.control->OnListEnded(collection, version, now);
  }
  TouchAll();
}

std::vector<Command> Reconciler::Step(Now now) {
  const bool cluster_known = ListingOf(Collection::Jobs).Known() && ListingOf(Collection::Pods).Known();
  const Duration apart = ClocksApart(now);
  if (clocks_apart_ && std::chrono::abs(apart - *clocks_apart_) >= kClockIsSet) TouchAll();
  if (!clocks_apart_ || std::chrono::abs(apart - *clocks_apart_) >= kClockIsSet) clocks_apart_ = apart;
  for (const std::string& uid : timers_.TakeDue(now.steady)) touched_.insert(uid);
  for (const std::string& uid : std::exchange(touched_, {})) {
    Entry& entry = batches_.at(uid);
    entry.control->Step(cluster_known, now);
    entry.sample.reset();
    timers_.Set(uid, entry.control->Next(now));
  }
  return requests_.Take();
}

bool Reconciler::Synced() const {
  return ListingOf(Collection::Batches).seen && ListingOf(Collection::Jobs).seen &&
         ListingOf(Collection::Pods).seen;
}

void Reconciler::Fill(metrics::Snapshot& snapshot) {
  snapshot.batches.reserve(batches_.size());
  for (auto& [uid, entry] : batches_) {
    if (!entry.sample) entry.sample = std::make_shared<const metrics::BatchSample>(entry.control->Sample());
    snapshot.batches.push_back(entry.sample);
  }
  snapshot.totals = totals_;
}

}  // namespace imagebatch::cluster
