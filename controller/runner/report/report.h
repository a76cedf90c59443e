#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hang/phase.h"
#include "hang/progress.h"
#include "hang/verdict_log.h"
#include "runner/report/evidence.h"

namespace imagebatch::runner {

/// Turns monotonic time into the wall-clock time that reports carry. Tied to the wall clock once, at the
/// start, so that the times of one run fit together even where that clock is set meanwhile.
struct WallClock {
  hang::TimePoint steady_start;
  std::chrono::system_clock::time_point wall_start;

  /// RFC 3339 in UTC with milliseconds.
  std::string Format(hang::TimePoint time) const;
};

/// What the runner knows of the build at one moment.
struct Snapshot {
  WallClock clock;
  hang::TimePoint now;
  hang::Verdict verdict;
  hang::Progress progress;
  std::string phase;                   // empty: none is known
  const Evidence* evidence = nullptr;  // taken when the verdict became Hung; null while it progresses
};

/// How it ended.
struct Outcome {
  int exit_code = 0;
  std::string signal;  // "SIGKILL", where a signal ended the command; else empty
  double longest_silence_seconds = 0;
  uint64_t peak_resident_bytes = 0;
  double cpu_seconds = 0;
  uint64_t output_bytes = 0;
  uint64_t lost_output_bytes = 0;  // that could not be written
  std::vector<hang::Phase> phases;
  hang::VerdictLog verdicts;
};

inline constexpr size_t kStateBytes = 8192;
inline constexpr size_t kLogLineBytes = 8192;
inline constexpr size_t kProbeBytes = 1100;

/// The state file, and the answer to GET /progress: at most kStateBytes of JSON, the evidence last.
std::string RenderState(const Snapshot& snapshot);

/// The result: at most `limit` bytes of JSON (kLeastResultBytes to kMostResultBytes of the contract),
/// whatever the evidence holds. Processes, lines and phases are left out, the oldest and shortest first,
/// until it fits. Verdict, class, since and marker stand first, so that they are there where somebody cuts it
/// all the same. `marker` as for RenderLogLine().
std::string RenderResult(const Snapshot& snapshot, const Outcome& outcome, const std::string& marker,
                         size_t limit);

/// A line for the build's log that says how the verdict has changed, with the evidence where it is Hung: at
/// most kLogLineBytes without the newline. `marker`, where not empty, shows that the line is ours.
std::string RenderLogLine(const Snapshot& snapshot, const std::string& marker);

/// What the probe prints: the state without its evidence, at most kProbeBytes. Nothing where `state` is not
/// one that RenderState() made.
std::optional<std::string> StateHead(const std::string& state);
/// Whether such a state says Hung.
bool SaysHung(const std::string& state);

}  // namespace imagebatch::runner
