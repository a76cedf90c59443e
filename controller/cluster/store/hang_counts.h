#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <unordered_map>

#include "cluster/objects/evidence.h"
#include "cluster/objects/outcome.h"

namespace imagebatch::cluster {

/// How often something was found hung, by class (kHangClasses).
using HangsByClass = std::map<std::string, int64_t>;

/// The hangs that a runner's account tells of; nothing for what is no such object.
HangsByClass HangsOf(const nlohmann::json& counts);
/// Takes in what an account or a result line tells of one class, where that is one. Bounded, whoever wrote
/// it.
void AddHangs(HangsByClass& hangs, std::string_view class_name, int64_t count);

/// How often builds of a batch were found hung, hangs that passed included. What the controller sees of an
/// attempt is forgotten with the process; what the attempt's result says stays, and so does the total made of
/// the results after a restart. A restart loses for a while the hangs that have passed in attempts that still
/// run: their runners tell of them when they end.
class HangCounts {
 public:
  HangCounts();

  /// An attempt of the past had these, by its stored result.
  void Stored(const HangsByClass& hangs) { Add(hangs, 1); }
  /// The live attempt of `job` was found hung. The same verdict may be told again.
  void Seen(const std::string& job, const Verdict& verdict);
  /// The attempt has ended. All hangs of it: what was seen from here, or what its runner counted where that
  /// is more.
  HangsByClass End(const std::string& job, const Outcome& outcome);

  /// Every class, zeros included.
  const HangsByClass& total() const { return total_; }

 private:
  struct Attempt {
    HangsByClass hangs;
    std::tuple<std::string, Time> last;  // class and since
  };

  void Add(const HangsByClass& hangs, int64_t sign);

  HangsByClass total_;
  std::unordered_map<std::string, Attempt> live_;  // by Job name; only those that were ever hung
};

}  // namespace imagebatch::cluster
