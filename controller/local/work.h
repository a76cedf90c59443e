#pragma once
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "batch/expand.h"
#include "batch/types.h"
#include "cluster/control/forecast.h"
#include "cluster/control/ledger.h"
#include "cluster/objects/builds.h"
#include "cluster/objects/evidence.h"
#include "cluster/objects/outcome.h"
#include "cluster/store/result_line.h"
#include "cluster/store/status_object.h"
#include "cluster/watch/flagged_list.h"
#include "metrics/snapshot.h"
#include "plan/plan.h"

namespace imagebatch::local {

using cluster::Now;

/// Something to tell people, printable.
struct Story {
  enum class Kind : uint8_t { Good, Bad };
  Kind kind = Kind::Good;
  std::string text;
};

/// Where the work is done.
struct Place {
  std::string machine;  // its name, for the results
  std::string root;     // the batch's directory, for stories
};

/// What is left of an attempt's process.
struct Ending {
  int exit_code = 0;           // 128+n where signal n ended it
  std::string account;         // of its runner (contract/contract.h); empty: none
  std::string state;           // its runner's last
  std::string log;             // the end of its log, as it is
  bool past_deadline = false;  // it was told to end because the batch's time is up
};

/// An attempt that is over. Stored by its line, then recorded.
struct Finished {
  uint32_t build = 0;
  int attempt = 1;
  cluster::Outcome outcome;
  std::string line;
  std::optional<cluster::Verdict> verdict;
  cluster::HangsByClass hangs;
};

/// The work of a batch on one machine: which builds run, which hang, what is done. Pure: what is seen goes in
/// with the time, what to do comes out. Paths are relative to
/// the batch's directory.
class Work {
 public:
  /// `batch` outlives it. `stored`: the results of earlier runs.
  Work(const batch::Batch& batch, batch::Expansion expansion, const std::deque<cluster::ResultKey>& stored,
       Place place);

  /// What to start now; nothing where the run is `stopping` or the batch's time is up (`expired`).
  std::vector<plan::Start> Decide(bool stopping, bool expired, Now now);
  /// Brings slow builds and the estimate up to date.
  void Step(Now now) { forecast_.Step(flagged_, now); }
  /// When Decide or Step has something to do that it has not now, for time alone.
  std::optional<Time> Next() const;

  /// The Job that the attempt would be in a cluster.
  nlohmann::json Job(const plan::Start& start, const std::string& marker) const;
  std::string JobName(const plan::Start& start) const { return builds_.JobName(start.build, start.attempt); }
  std::string LogPath(const plan::Start& start) const;

  void Started(const plan::Start& start, const std::string& marker, Now now);
  /// Its process could not be started: `command` where that is the template's fault (its workingDir).
  Finished NotStarted(const plan::Start& start, const std::string& message, bool command, Now now) const;
  /// What the runner of a build that runs says (its state file). Evidence that is to be kept, and where.
  struct Kept {
    std::string path, text;
  };
  std::optional<Kept> Saw(uint32_t build, std::string_view state, Now now);
  /// The attempt of a build that runs has ended. `kept`: as Saw gives it.
  Finished End(uint32_t build, const Ending& ending, std::optional<Kept>& kept, Now now);
  /// The attempt of a build that runs was ended by us before its time: it never was.
  void CutShort(uint32_t build, Now now);
  /// Its line is stored: what follows from it may begin.
  void Record(const Finished& finished);

  /// Since the last call.
  std::vector<Story> TakeStories() { return std::exchange(stories_, {}); }

  bool Done() const { return plan_.Finished(); }
  /// Nothing moves any more, and nothing will: all that runs hangs and is only flagged for it.
  bool Stuck() const;
  plan::Counts Total() const { return plan_.Total(); }
  size_t live() const { return live_.size(); }
  size_t hung() const { return flagged_.size(cluster::Verdict::Kind::Hang); }
  /// Builds that failed because they hung, or because one they need did.
  int64_t ended_by_hang() const;
  cluster::Summary Look() const;
  metrics::BatchSample Sample() const;
  const metrics::Totals& totals() const { return totals_; }
  std::string Name(uint32_t build) const;

 private:
  struct Live {
    int attempt = 1;
    std::string marker;
    Time started{};
    std::string evidence_path, evidence_sha;  // of the verdict that stands
  };
  cluster::ResultSubject Subject(uint32_t build, int attempt) const;
  Finished Conclude(uint32_t build, int attempt, cluster::Outcome outcome,
                    const cluster::ResultSubject& subject, Now now) const;
  void Tell(Story::Kind kind, const std::string& text);

  const batch::Batch& batch_;
  const Place place_;
  const cluster::Builds builds_;
  plan::Plan plan_;
  cluster::Forecast forecast_;
  cluster::Ledger ledger_;
  cluster::FlaggedList flagged_;
  metrics::Totals totals_;
  std::map<uint32_t, Live> live_;
  std::vector<Story> stories_;
};

}  // namespace imagebatch::local
