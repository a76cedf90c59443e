#pragma once
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cluster/objects/views.h"

namespace imagebatch::cluster {

/// Objects of a batch that were seen before there is somebody to take them: of each name the newest.
template <class View>
class Parked {
 public:
  void Put(const Seen<View>& seen) {
    const auto [at, added] = by_name_.try_emplace({seen.view.ns, seen.view.name}, seen);
    if (!added && seen.view.version >= at->second.view.version) at->second = seen;
  }
  void Clear() { by_name_.clear(); }
  /// Forgets those of other namespaces.
  void Keep(const std::string& ns) {
    std::erase_if(by_name_, [&](const auto& entry) { return entry.first.first != ns; });
  }
  /// `asks` is true of none.
  template <class Asks>
  bool None(const Asks& asks) const {
    return std::none_of(by_name_.begin(), by_name_.end(),
                        [&](const auto& entry) { return asks(entry.second); });
  }
  size_t size() const { return by_name_.size(); }

  std::vector<Seen<View>> All() const {
    std::vector<Seen<View>> all;
    all.reserve(by_name_.size());
    for (const auto& [name, seen] : by_name_) all.push_back(seen);
    return all;
  }

  /// `take` with each, which is then forgotten: thousands never lie in memory twice.
  template <class Taker>
  void TakeEach(const Taker& take) {
    for (; !by_name_.empty(); by_name_.erase(by_name_.begin())) take(by_name_.begin()->second);
  }

 private:
  std::map<std::pair<std::string, std::string>, Seen<View>> by_name_;  // namespace, name
};

struct ParkedObjects {
  Parked<JobView> jobs;
  Parked<PodView> pods;

  void Put(const JobSeen& seen) { jobs.Put(seen); }
  void Put(const PodSeen& seen) { pods.Put(seen); }
  void Clear(Collection collection) {
    if (collection == Collection::Jobs) jobs.Clear();
    if (collection == Collection::Pods) pods.Clear();
  }
};

}  // namespace imagebatch::cluster
