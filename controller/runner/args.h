#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "contract/contract.h"
#include "hang/checks.h"
#include "pattern/pattern.h"
#include "runner/report/report.h"

namespace imagebatch::runner {

using hang::Duration;

/// imagebatch-runner [options] -- COMMAND [ARG...]
struct RunOptions {
  hang::Limits limits{.deadlock_after = std::chrono::seconds(30),
                      .idle_after = std::chrono::minutes(5),
                      .silent_after = std::chrono::minutes(30),
                      .deadline = Duration::zero()};
  std::vector<Pattern> expected;  // those of limits.expected, in their order
  bool end_when_hung = false;     // --on-hang fail
  // Two seconds add less than 1 % to the shortest useful idle time and cost 0.2 % of a core at 300 processes.
  Duration sample_every = std::chrono::seconds(2);
  Duration grace = std::chrono::seconds(10);
  std::string listen;       // "ADDRESS:PORT" or ":PORT"; empty: no listener
  std::string state_file;   // empty: none
  std::string result_file;  // empty: none
  size_t result_bytes = contract::kMostResultBytes;
  bool inherit_input = false;  // --stdin inherit
  char** command = nullptr;    // ends with a null pointer, as argv does
};

struct ProbeOptions {
  std::string state_file;
};

struct InstallOptions {
  std::string target;
};

struct ExplainOptions {
  std::string file;  // "-": standard input
};

struct HelpWanted {};
struct VersionWanted {};

/// Why the arguments cannot be used, for a person.
struct UsageError {
  std::string message;
};

using Arguments = std::variant<RunOptions, ProbeOptions, InstallOptions, ExplainOptions, HelpWanted,
                               VersionWanted, UsageError>;

/// `argv` as main() gets it; the result points into it.
Arguments ParseArguments(int argc, char** argv);

/// "300ms", "5s", "5m", "1h", "0": at most a year. Nothing for anything else.
std::optional<Duration> ParseDuration(std::string_view text);

extern const char kUsage[];

}  // namespace imagebatch::runner
