#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "cluster/objects/evidence.h"
#include "cluster/store/evidence_store.h"

namespace imagebatch::cluster {

/// A verdict has come, changed or gone.
struct HangChange {
  std::string job;
  uint32_t build = 0;
  bool hung = false;  // false: it goes on again
  HangVerdict verdict;
  EvidenceReference evidence;  // both empty where the verdict has none
  std::string pod, node;
  int attempt = 1;
};

/// The attempts that have a verdict, by Job name, and all that is told of them as a whole, kept up to date: a
/// change costs the logarithm of their number, a look what it shows.
class HungList {
 public:
  const HangChange* Find(const std::string& job) const;
  const HangChange& at(const std::string& job) const { return by_job_.at(job); }
  size_t size() const { return by_job_.size(); }

  /// Takes the place of what is known of its Job.
  void Put(HangChange change);
  void Remove(const std::string& job);
  /// The evidence of this one, if it is there, is kept in no ConfigMap.
  void EvidenceIsNotKept(const std::string& job);

  /// At most so many, as they are told: those that hang before those that are held up, which come by the
  /// dozen from one cause; the oldest first.
  std::vector<const HangChange*> First(size_t most) const;
  /// How many of each class; none is zero.
  const std::map<std::string, int64_t>& by_class() const { return by_class_; }
  /// The builds they are attempts of.
  const std::set<uint32_t>& builds() const { return builds_; }
  /// Grows with every change of builds().
  uint64_t changes_of_builds() const { return changes_; }

 private:
  using Place = std::tuple<bool, Time, std::string>;
  static Place PlaceOf(const HangChange& change);

  std::map<std::string, HangChange> by_job_;
  std::set<Place> told_;
  std::map<std::string, int64_t> by_class_;
  std::map<uint32_t, int> attempts_;  // how many of each build
  std::set<uint32_t> builds_;
  uint64_t changes_ = 0;
};

}  // namespace imagebatch::cluster
