#include "runner/ending.h"

#include <string.h>

#include "explain/explain.h"
#include "runner/report/report.h"

namespace imagebatch::runner {
namespace {

/// "63 s", "12 min", "5 h 12 min".
std::string Words(std::chrono::seconds length) {
  constexpr int64_t kMinute = 60, kHour = 3600;
  const int64_t seconds = length.count();
  if (seconds < 2 * kMinute) return std::to_string(seconds) + " s";
  std::string minutes = std::to_string(seconds % kHour / kMinute) + " min";
  if (seconds < kHour) return minutes;
  return std::to_string(seconds / kHour) + " h " + minutes;
}

std::string NameOf(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : std::string("SIG") + name;
}

/// What happened, in one clause; empty where there is nothing to tell.
std::string WhatHappened(const Ending& ending) {
  const bool hung = SaysHung(ending.state);
  const std::string after = " after " + Words(ending.lasted);
  if (ending.as_hung) return "the command hung and was ended" + after;
  if (ending.told_by != 0 && (hung || ending.exit_code != 0)) {
    return "ended by " + NameOf(ending.told_by) + " from outside" + after +
           (hung ? ": the command hung" : ": the command did not hang until then");
  }
  if (ending.killed_by != 0)
    return "the command was killed by " + NameOf(ending.killed_by) + after + (hung ? "; it hung" : "");
  if (hung && ending.exit_code != 0) return "the command failed" + after + "; it hung until then";
  return "";
}

}  // namespace

std::optional<std::string> TellEnding(const Ending& ending) {
  const std::string what = WhatHappened(ending);
  if (what.empty()) return std::nullopt;
  std::string text = "imagebatch-runner: " + what + "; exit code " + std::to_string(ending.exit_code);
  if (ending.out_of_memory_kills > 0) {
    text += "\n  " + std::to_string(ending.out_of_memory_kills) +
            " of its processes killed meanwhile, because the container's memory limit was reached";
  }
  constexpr size_t kOwnLines = 3;
  const auto seen = explain::Explain(ending.state, kEndingLines - kOwnLines);
  if (!seen) return text;
  for (size_t begin = 0; begin < seen->size();) {
    const size_t end = seen->find('\n', begin);
    text += (end == begin ? "\n" : "\n  ") + seen->substr(begin, end - begin);
    begin = end + 1;
  }
  if (SaysHung(ending.state))
    text += "\n  All of it: imagebatch-runner explain FILE, where FILE has this log";
  return text;
}

}  // namespace imagebatch::runner
