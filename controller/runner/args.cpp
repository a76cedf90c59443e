#include "runner/args.h"

#include <charconv>
#include <cstdint>
#include <utility>

#include "contract/contract.h"

namespace imagebatch::runner {

const char kUsage[] = R"(Usage: imagebatch-runner [OPTION...] -- COMMAND [ARG...]
Run COMMAND, pass on its output and its exit code, and tell with evidence if it hangs.

Example: imagebatch-runner --on-hang fail --deadline 50m -- make all

Options (D is a time such as 300ms, 5s, 5m or 1h; 0: never):
  --on-hang flag|fail    flag: report a hang (default); fail: also end the whole process tree, exit 124
  --deadlock-after D     hung (Deadlock): processes have waited only for each other for D (default 30s)
  --idle-after D         hung (Idle): nothing has happened in the process tree for D (default 5m)
  --silent-after D       hung (Busy, Looping): only CPU use, or no new output, for D (default 30m)
  --deadline D           hung (Deadline): it has run for D (default 0)
  --expect [F,]D=REGEX   hung (Overdue): no line of output matches REGEX for D, before the first match for
                         F (default: D). RE2 syntax, anywhere in a line; may be given up to 16 times
  --grace D              time from SIGTERM to SIGKILL, whoever sent the SIGTERM (default 10s)
  --stdin null|inherit   what COMMAND reads: nothing (default), or the standard input of imagebatch-runner
  --sample-every D       how often to look at the process tree (default 2s)
  --state FILE           keep the verdict in FILE, as JSON, replaced at every sample (default: nowhere)
  --result FILE          write an account of the run to FILE at its end, as JSON (default: nowhere)
  --result-bytes N       limit of that account, 512 to 4096 (default 4096; Kubernetes keeps 12288 bytes for
                         all containers of a Pod: less if it has more than three)
  --listen ADDRESS       answer GET /progress on ADDRESS:PORT or :PORT: 200 progressing, 503 hung

Other uses:
  imagebatch-runner explain FILE         print the evidence in FILE (a log, state or result; - is standard input)
  imagebatch-runner probe --state FILE   exit 0: progressing; 1: hung; 2: no state, or its runner is gone
  imagebatch-runner install FILE         copy this program to FILE
  imagebatch-runner --help | --version

If the environment has IMAGEBATCH_MARKER, it is hidden from COMMAND and added to the runner's lines in the log.

Exit codes: COMMAND's own; 128+n: signal n ended it; 124: ended because it hung; 126: it cannot be run; 127: it does
not exist; 2: wrong usage.
)";

namespace {

namespace flag = contract::flag;

/// The arguments one after another; an option's value may stand behind it or behind an equals sign.
class Reader {
 public:
  Reader(int argc, char** argv, int first) : argc_(argc), argv_(argv), next_(first) {}

  bool AtEnd() const { return next_ >= argc_; }
  std::string_view Take() { return argv_[next_++]; }
  char** Rest() const { return argv_ + next_; }
  std::optional<std::string_view> Value(std::string_view argument, std::string_view option) {
    if (argument.size() > option.size()) return argument.substr(option.size() + 1);
    if (AtEnd()) return std::nullopt;
    return Take();
  }

 private:
  int argc_;
  char** argv_;
  int next_;
};

bool Is(std::string_view argument, std::string_view option) {
  if (!argument.starts_with(option)) return false;
  return argument.size() == option.size() || argument[option.size()] == '=';
}

UsageError Wrong(std::string_view what, std::string_view argument) {
  return UsageError{std::string(what) + ": " + std::string(argument)};
}

/// "--grace: not a duration such as 5s: long", or "--grace: no value".
UsageError WrongValue(std::string_view option, std::string_view what, std::optional<std::string_view> value) {
  if (!value) return Wrong(option, "no value");
  return Wrong(std::string(option) + ": " + std::string(what), *value);
}

std::optional<size_t> ParseResultBytes(std::string_view text) {
  size_t bytes = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  if (bytes < contract::kLeastResultBytes || bytes > contract::kMostResultBytes) return std::nullopt;
  return bytes;
}

/// One of two words: whether `value` is the second.
std::optional<bool> ParseChoice(std::optional<std::string_view> value, std::string_view first,
                                std::string_view second) {
  if (value == first) return false;
  if (value == second) return true;
  return std::nullopt;
}

/// "10m=REGEX", or "1h,10m=REGEX" where the first may take longer; an error for a person.
Result<Pattern> ReadExpectation(std::string_view value, hang::Expectation& expectation) {
  const size_t equals = value.find('=');
  if (equals == std::string_view::npos) return Fail("not of the form 10m=REGEX or 1h,10m=REGEX");
  const std::string_view times = value.substr(0, equals);
  const size_t comma = times.find(',');
  const auto first = ParseDuration(times.substr(0, comma));
  const auto within = ParseDuration(comma == std::string_view::npos ? times : times.substr(comma + 1));
  for (const auto& time : {first, within}) {
    if (!time || *time == Duration::zero())
      return Fail("before the = no duration such as 300ms, 5s, 5m or 1h");
  }
  auto pattern = Pattern::Compile(value.substr(equals + 1));
  if (pattern) expectation = {pattern->text(), *first, *within};
  return pattern;
}

/// Sets the option `argument` of `options`; an error where it is not one of ours or its value is wrong.
std::optional<UsageError> ReadOption(std::string_view argument, Reader& reader, RunOptions& options) {
  const std::pair<std::string_view, std::string*> texts[] = {{flag::kState, &options.state_file},
                                                             {flag::kResult, &options.result_file},
                                                             {flag::kListen, &options.listen}};
  for (const auto& [name, target] : texts) {
    if (!Is(argument, name)) continue;
    const auto value = reader.Value(argument, name);
    if (!value || value->empty()) return WrongValue(name, "", std::nullopt);
    *target = *value;
    return std::nullopt;
  }
  const std::pair<std::string_view, Duration*> durations[] = {
      {flag::kDeadlockAfter, &options.limits.deadlock_after},
      {flag::kIdleAfter, &options.limits.idle_after},
      {flag::kSilentAfter, &options.limits.silent_after},
      {flag::kDeadline, &options.limits.deadline},
      {flag::kGrace, &options.grace},
      {"--sample-every", &options.sample_every}};
  for (const auto& [name, target] : durations) {
    if (!Is(argument, name)) continue;
    const auto value = reader.Value(argument, name);
    const auto duration = value ? ParseDuration(*value) : std::nullopt;
    if (!duration) return WrongValue(name, "not a duration such as 300ms, 5s, 5m or 1h", value);
    *target = *duration;
    return std::nullopt;
  }
  if (Is(argument, flag::kResultBytes)) {
    const auto value = reader.Value(argument, flag::kResultBytes);
    const auto bytes = value ? ParseResultBytes(*value) : std::nullopt;
    if (!bytes) return WrongValue(flag::kResultBytes, "not a number from 512 to 4096", value);
    options.result_bytes = *bytes;
    return std::nullopt;
  }
  if (Is(argument, flag::kExpect)) {
    const auto value = reader.Value(argument, flag::kExpect);
    if (!value) return WrongValue(flag::kExpect, "", value);
    if (options.expected.size() == contract::kMostExpected)
      return Wrong(flag::kExpect, "more than " + std::to_string(contract::kMostExpected));
    hang::Expectation& expectation = options.limits.expected.emplace_back();
    auto pattern = ReadExpectation(*value, expectation);
    if (!pattern) return WrongValue(flag::kExpect, pattern.error().message, value);
    options.expected.push_back(std::move(*pattern));
    return std::nullopt;
  }
  if (Is(argument, flag::kOnHang)) {
    const auto value = reader.Value(argument, flag::kOnHang);
    const auto fail = ParseChoice(value, contract::kFlag, contract::kFail);
    if (!fail) return WrongValue(flag::kOnHang, "neither flag nor fail", value);
    options.end_when_hung = *fail;
    return std::nullopt;
  }
  if (Is(argument, "--stdin")) {
    const auto value = reader.Value(argument, "--stdin");
    const auto inherit = ParseChoice(value, "null", "inherit");
    if (!inherit) return WrongValue("--stdin", "neither null nor inherit", value);
    options.inherit_input = *inherit;
    return std::nullopt;
  }
  if (!argument.starts_with('-')) return Wrong("no -- before the command", argument);
  return Wrong("unknown option", argument);
}

Arguments ReadRun(Reader reader) {
  RunOptions options;
  while (!reader.AtEnd()) {
    const std::string_view argument = reader.Take();
    if (argument == "--") {
      if (reader.AtEnd()) return UsageError{"no command after --"};
      options.command = reader.Rest();
      break;
    }
    if (auto error = ReadOption(argument, reader, options)) return *error;
  }
  if (options.command == nullptr) return UsageError{"no -- COMMAND"};
  if (options.sample_every < std::chrono::milliseconds(10)) return UsageError{"--sample-every is under 10ms"};
  return options;
}

Arguments ReadProbe(Reader reader) {
  RunOptions options;
  while (!reader.AtEnd()) {
    const std::string_view argument = reader.Take();
    if (!Is(argument, flag::kState)) return Wrong("unknown option of probe", argument);
    if (auto error = ReadOption(argument, reader, options)) return *error;
  }
  if (options.state_file.empty()) return UsageError{"probe needs --state FILE"};
  return ProbeOptions{options.state_file};
}

}  // namespace

std::optional<Duration> ParseDuration(std::string_view text) {
  int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0 || rest == text.data()) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<size_t>(rest - text.data()));
  int64_t factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s") factor = 1000;
  if (unit == "m") factor = int64_t{60} * 1000;
  if (unit == "h") factor = int64_t{3600} * 1000;
  if (unit.empty() && number == 0) factor = 1;
  constexpr int64_t kYear = int64_t{366} * 24 * 3600 * 1000;
  if (factor == 0 || number > kYear / factor) return std::nullopt;
  return Duration(number * factor);
}

Arguments ParseArguments(int argc, char** argv) {
  if (argc < 2) return UsageError{"no arguments"};
  const std::string_view first = argv[1];
  if (first == "--help" || first == "-h") return HelpWanted{};
  if (first == "--version") return VersionWanted{};
  if (first == "probe") return ReadProbe(Reader(argc, argv, 2));
  if (first == "install") {
    if (argc != 3 || *argv[2] == '\0') return UsageError{"install needs one FILE"};
    return InstallOptions{argv[2]};
  }
  if (first == "explain") {
    if (argc != 3 || *argv[2] == '\0') return UsageError{"explain needs one FILE"};
    return ExplainOptions{argv[2]};
  }
  return ReadRun(Reader(argc, argv, 1));
}

}  // namespace imagebatch::runner
