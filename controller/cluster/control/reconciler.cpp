#include "cluster/control/reconciler.h"

#include <utility>

#include "base/keep_sooner.h"
#include "base/overloaded.h"

namespace imagebatch::cluster {
namespace {

/// The wall clock may be set: what was to happen at a moment of the calendar is then due at another one.
constexpr std::chrono::seconds kClockIsSet(1);

Duration ClocksApart(Now now) {
  return std::chrono::duration_cast<Duration>(now.wall.time_since_epoch() - now.steady.time_since_epoch());
}

}  // namespace

void Reconciler::Observe(const Event& event, Now now) {
  std::visit([&](const auto& each) { On(each, now); }, event);
}

void Reconciler::On(const Observation& seen, Now now) {
  std::visit(
      Overloaded{[&](const JobSeen& job) { OnView(job, now); }, [&](const PodSeen& pod) { OnView(pod, now); },
                 [&](const auto& list) { OnList(list, now); }},
      seen);
}

template <class View>
void Reconciler::OnView(const Seen<View>& seen, Now now) {
  const std::string& uid = seen.view.batch_uid;
  if (Entry* entry = Find(uid)) return entry->control->Observe(seen, now);
  if (!ListingOf(Collection::Batches).Known()) parked_[uid].Put(seen);
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

void Reconciler::On(const BatchSeen& seen, Now) {
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

void Reconciler::OnList(const ListBegun& begun, Now now) {
  ListingOf(begun.collection).under_way = true;
  if (begun.collection == Collection::WatchedPods) return pods_.OnListBegun();
  if (begun.collection == Collection::Batches) {
    for (auto& [uid, entry] : batches_) entry.listed = false;
    return;
  }
  for (auto& [uid, parked] : parked_) parked.Clear(begun.collection);
  for (auto& [uid, entry] : batches_) entry.control->Observe(begun, now);
}

void Reconciler::OnList(const ListEnded& ended, Now now) {
  ListingOf(ended.collection) = {false, true};
  if (ended.collection == Collection::WatchedPods) return pods_.OnListEnded(ended.version);
  if (ended.collection == Collection::Batches) {
    std::vector<std::string> gone;
    for (const auto& [uid, entry] : batches_) {
      if (!entry.listed) gone.push_back(uid);
    }
    for (const std::string& uid : gone) Forget(uid);
    parked_.clear();  // what is left belongs to batches that are gone
  } else {
    for (auto& [uid, entry] : batches_) entry.control->Observe(ended, now);
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
  pods_.Step(now);
  return requests_.Take();
}

std::optional<SteadyTime> Reconciler::Next() const {
  std::optional<SteadyTime> next = timers_.Next();
  KeepSooner(next, pods_.Next());
  return next;
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
  if (ListingOf(Collection::WatchedPods).seen) snapshot.pods = pods_.Sample();
  for (const auto& [purpose, since] : pods_.FailingSince())
    snapshot.failing_since[std::string(Name(purpose))] = since;
  snapshot.totals = totals_;
}

}  // namespace imagebatch::cluster
