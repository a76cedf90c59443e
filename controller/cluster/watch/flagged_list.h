#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/objects/hang_groups.h"
#include "cluster/objects/verdict.h"
#include "cluster/store/evidence_store.h"

namespace imagebatch::cluster {

/// A verdict has come, changed or gone.
struct VerdictChange {
  std::string job;
  uint32_t build = 0;
  bool stands = false;  // false: it has passed
  Verdict verdict;
  EvidenceReference evidence;  // both empty where the verdict has none
  std::string pod, node;
  int attempt = 1;
};

/// The attempts that have a verdict, by Job name, and all that is told of them as a whole, kept up to date: a
/// change costs the logarithm of their number, a look what it shows.
class FlaggedList {
 public:
  const VerdictChange* Find(const std::string& job) const;
  const VerdictChange& at(const std::string& job) const { return by_job_.at(job); }
  size_t size(Verdict::Kind kind) const { return of(kind).oldest.size(); }

  /// Takes the place of what is known of its Job.
  void Put(VerdictChange change);
  void Remove(const std::string& job);
  /// The evidence of this one, if it is there, is kept in no record.
  void EvidenceIsNotKept(const std::string& job);

  /// At most so many, the oldest first.
  std::vector<const VerdictChange*> First(Verdict::Kind kind, size_t most) const;
  /// How many of each class; none is zero.
  const std::map<std::string, int64_t>& by_class(Verdict::Kind kind) const { return of(kind).by_class; }
  /// Those that hang, by fingerprint: one group for each.
  std::vector<HangGroup> Groups() const;
  /// How many hang with this fingerprint.
  size_t alike(const std::string& fingerprint) const;
  /// The builds they are attempts of.
  const std::set<uint32_t>& builds() const { return builds_; }
  /// Grows with every change of builds().
  uint64_t changes_of_builds() const { return changes_; }

 private:
  using Place = std::pair<Time, std::string>;
  struct OfKind {
    std::set<Place> oldest;
    std::map<std::string, int64_t> by_class;
  };
  static Place PlaceOf(const VerdictChange& change) { return {change.verdict.since, change.job}; }
  OfKind& of(Verdict::Kind kind) { return kinds_[static_cast<size_t>(kind)]; }
  const OfKind& of(Verdict::Kind kind) const { return kinds_[static_cast<size_t>(kind)]; }

  std::map<std::string, VerdictChange> by_job_;
  std::array<OfKind, Verdict::kKinds> kinds_;
  std::map<std::string, std::set<Place>> alike_;  // of those that hang, by fingerprint
  std::map<uint32_t, int> attempts_;              // how many of each build
  std::set<uint32_t> builds_;
  uint64_t changes_ = 0;
};

}  // namespace imagebatch::cluster
