#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cluster/objects/hang_groups.h"
#include "cluster/store/evidence_store.h"
#include "metrics/snapshot.h"
#include "plan/pace.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// A build that hangs or is stalled.
struct FlaggedEntry {
  std::string stage, name, class_name, pod, node, message;
  int attempt = 1;
  Time since{};
  EvidenceReference evidence{};  // of a hang
  Alike alike{};                 // of a hang
};

struct SlowEntry {
  std::string stage, name, pod;
  int attempt = 1;
  Time since{};                // when its container started
  int64_t median_seconds = 0;  // of the finished builds of its stage
};

struct FailedEntry {
  std::string stage, name, reason, message;
  int attempt = 0;  // 0: failed without one
};

/// What spec.rerun has come to.
struct RerunRecord {
  int round = 0;                    // the last that was looked at; 0: none
  int all_round = 0;                // the last in which all builds that had failed were to run again
  int some_round = 0;               // a later one, in which some were; 0: there is none
  std::vector<std::string> builds;  // stage/name: those, at most kMostRerun
  std::optional<Time> since;        // of the later of these two
  std::string message;              // what has become of `round`; printable, at most 4 KiB

  bool operator==(const RerunRecord&) const = default;
};
inline constexpr size_t kMostRerun = 1000;

/// At most so many hung builds are listed, and so many stalled, slow and failed ones, and groups of hangs.
inline constexpr size_t kListed = 20;

/// What the status of a batch is made of.
struct Summary {
  int64_t generation = 0;
  std::vector<std::string> stages;                        // names
  std::vector<plan::Counts> counts;                       // by stage; empty while the work is not known
  int64_t hung = 0, stalled = 0;                          // in all
  std::vector<FlaggedEntry> hung_builds, stalled_builds;  // the oldest first
  std::vector<HangGroup> hang_groups;                     // of which the first are shown
  std::vector<int64_t> slow;  // builds that run for long and have no verdict, by stage
  std::vector<SlowEntry> slow_builds;
  std::vector<FailedEntry> failed_builds;
  std::optional<plan::Estimate> end;
  std::optional<Time> start, last_progress, completion;
  std::string input_digest;
  RerunRecord rerun;
  std::vector<std::string> result_records;
  int64_t result_lines = 0;
  bool suspended = false;
  bool finished = false;        // nothing is left to do
  std::string failed_reason;    // as the docs list them; empty: not failed
  std::string failed_message;   // printable, at most 4 KiB
  std::string degraded_reason;  // empty: not degraded
  std::string degraded_message;
};

/// The status of an ImageBatch. Its conditions are always there: Complete, Failed, Suspended, HungBuilds,
/// StalledBuilds and Degraded for people and alerts, Ready, Reconciling and Stalled for tools that read them
/// as kstatus does. Each keeps its lastTransitionTime from `previous` (a status as it was last read or
/// written) unless its status changes. Everything is written out, absent values as null, so that it can be
/// sent as a merge patch.
nlohmann::json StatusObject(const Summary& summary, const nlohmann::json& previous, Time now);

/// `known` with what can be said before the work is known: the condition Degraded, those for kstatus where
/// there are none yet (it takes an object without them for done), and of a batch that is `halted` the others
/// too.
nlohmann::json KeptStatus(nlohmann::json known, nlohmann::json wanted, bool halted);

/// The counts of builds in a status, as StatusObject wrote them.
std::vector<metrics::StageCounts> StagesIn(const nlohmann::json& status);

/// What people have been told already, by this process or an earlier one.
struct Told {
  std::vector<FlaggedEntry> hung_builds, stalled_builds;
  bool held = false;  // that builds are held
};

/// As a status has it that StatusObject wrote.
Told ToldIn(const nlohmann::json& status);

/// As a status has it that StatusObject wrote.
RerunRecord RerunIn(const nlohmann::json& status);

/// The names of the records of results in a status.
std::vector<std::string> ResultRecordsIn(const nlohmann::json& status);

}  // namespace imagebatch::cluster
