#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hang/progress.h"
#include "hang/verdict.h"
#include "hang/wait_graph.h"

namespace imagebatch::hang {

/// A line that the user expects of a build (--expect, spec.hang.expect).
struct Expectation {
  std::string pattern;
  Duration first;   // from the start to the first one
  Duration within;  // from one to the next
};

/// Zero turns a rule off.
struct Limits {
  Duration deadlock_after{0};
  Duration idle_after{0};
  Duration silent_after{0};
  Duration deadline{0};
  std::vector<Expectation> expected = {};
};

/// All that a rule may look at.
struct Input {
  TimePoint now;
  TimePoint started;
  Limits limits;
  Progress progress;
  // What the build says it is doing (hang/patience.h); empty where that is not known.
  std::string_view phase;
  std::string_view last_line;
  std::string_view command = {};  // that a process of the tree runs, where it is known to be quiet
  /// The tree has no builder in it, and a connection to the outside: a RUN step runs at its other end.
  bool builder_elsewhere = false;
  /// What has stood for StandingTime(limits.deadlock_after); empty: nothing has, or it is not known.
  std::vector<WaitingProcess> dead_part = {};
};

/// One kind of hang: what it needs to be seen, since when it has been so, and for how long it may.
struct Rule {
  Class hang_class;
  bool patient;             // what is known to be quiet may be so for longer (hang/patience.h)
  std::string_view reason;  // empty: the pattern that is due
  Duration (*limit)(const Input& input);
  /// The signals it cannot do without are watched.
  bool (*sees)(const Progress& progress);
  TimePoint (*since)(const Input& input);
  /// It is of this kind and not of another, once `limit` has passed.
  bool (*fits)(const Input& input, Duration limit);
  /// The words for `lasted`; `note` says why the limit was longer, and is empty where it was not.
  std::string (*says)(const Input& input, Duration lasted, const std::string& note);
};

/// In the order of what they say about the cause: the first that finds something decides.
///
/// Deadlock: a part of the process tree can never go on, whatever the clock says, and nothing has happened in
/// the rest of it. Idle: nothing happens in the whole tree; without the CPU's signal a silent compiler and a
/// dead one look the same. That is so of a RUN step too whose builder is not in the tree: there it takes as
/// long as for Busy. Busy: CPU at work, no output, no new processes, no I/O and no more network traffic
/// than a loop makes that asks for something again and again; without the signal of I/O a compressor looks
/// the same. Looping: output that says nothing new and no work beside it: a heartbeat, a spinner, one error
/// again and again. CPU is no excuse there, or a loop at full speed would have one; the output is set aside
/// with what it costs, and what is left is judged as for Busy. Overdue: a line that the user expects has not
/// come. Deadline: the build has run for too long, whatever it does.
std::span<const Rule> Rules();

/// What the rule finds; nothing where its limit is off or has not passed.
std::optional<Finding> Apply(const Rule& rule, const Input& input);

/// The first finding of the rules, or none: the build progresses.
std::optional<Finding> Judge(const Input& input);

/// The same for a build that was judged before. A hang keeps its class: one that goes on as Busy after it was
/// Idle, or prints a line now and then, is the same hang, unless it turns out to be a deadlock or its
/// deadline passes. An idle one is not over because it uses a little CPU.
std::optional<Finding> Judge(const Input& input, const Verdict& before);

/// When a limit would next be reached if nothing new were seen: a look at that moment makes a verdict
/// punctual, however rare looks are otherwise. Nothing where all limits have passed or are off.
std::optional<TimePoint> NextLimit(const Input& input);

/// Whether it is one of those that are found by what does not happen, traffic included.
constexpr bool IsOfQuiet(Class hang_class) {
  return hang_class == Class::Idle || hang_class == Class::Busy || hang_class == Class::Looping;
}

}  // namespace imagebatch::hang
