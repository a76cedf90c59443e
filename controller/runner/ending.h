#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace imagebatch::runner {

/// How the command came to its end.
struct Ending {
  int exit_code = 0;
  std::chrono::seconds lasted{0};
  bool as_hung = false;              // ended by the runner, because it hung
  int told_by = 0;                   // the signal by which somebody told the runner to end; 0: nobody did
  int killed_by = 0;                 // the signal that ended the command; 0: it ended by itself
  uint64_t out_of_memory_kills = 0;  // in the container, meanwhile
  /// As RenderState() says it, with evidence: as of when it hung, or was told to end; empty: neither.
  std::string state = {};
};

inline constexpr size_t kEndingLines = 24;

/// The end of a log for a person: what happened, since when, what was seen, and the exit code; at most
/// kEndingLines printable lines, without the last newline. Nothing where the command ended by itself and did
/// not hang: then the log ends as it would without the runner.
std::optional<std::string> TellEnding(const Ending& ending);

}  // namespace imagebatch::runner
