#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "cluster/objects/alike.h"

namespace imagebatch::cluster {

/// Hangs of a batch that are alike.
struct HangGroup {
  Alike alike;
  std::string class_name;
  int64_t count = 0;     // attempts that hang so, or did when they ended; hangs that passed are left out
  int64_t hanging = 0;   // of these, those that hang now
  Time first{}, last{};  // when the first and the last of them was found
};

/// The hangs of ended attempts, by what they have in common.
class HangGroups {
 public:
  static constexpr size_t kKept = 200;  // then what did not occur for the longest time goes

  /// An attempt has ended that hung since then, now or by its stored result.
  void Ended(const Alike& alike, const std::string& class_name, Time since);

  /// Together with those that hang now, one for each fingerprint: first what most builds hang by now, then
  /// what occurred last.
  std::vector<HangGroup> With(const std::vector<HangGroup>& hanging) const;

 private:
  std::map<std::string, HangGroup> ended_;  // by fingerprint
};

}  // namespace imagebatch::cluster
