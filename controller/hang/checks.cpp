#include "hang/checks.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>

#include "hang/patience.h"
#include "hang/wait_words.h"

namespace imagebatch::hang {
namespace {

std::string Seconds(std::chrono::steady_clock::duration length) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(length).count()) + " s";
}

constexpr size_t kPatternBytes = 120;  // in a message

std::string_view Words(Signal signal) {
  switch (signal) {
    case Signal::Cpu:
      return "CPU";
    case Signal::Io:
      return "I/O";
    case Signal::Network:
      return "network traffic";
    case Signal::Output:
      return "output";
    case Signal::Births:
      return "new processes";
  }
  return "";
}

/// "CPU, I/O, output": the signals that are (not) watched.
std::string List(const Progress& progress, bool watched) {
  std::string list;
  for (Signal signal : kAllSignals) {
    if (progress.Of(signal).watched != watched) continue;
    if (!list.empty()) list += ", ";
    list += Words(signal);
  }
  return list;
}

std::string Unwatched(const Progress& progress) {
  const std::string unseen = List(progress, false);
  return unseen.empty() ? unseen : "; not watched here: " + unseen;
}

bool Watches(const Progress& progress, std::initializer_list<Signal> signals) {
  return std::all_of(signals.begin(), signals.end(),
                     [&](Signal signal) { return progress.Of(signal).watched; });
}

/// The signal has been seen within `limit`.
bool IsRecent(const Input& input, Signal signal, Duration limit) {
  return input.now - input.progress.Of(signal).last < limit;
}

std::string SayDeadlock(const Input& input, Duration lasted, const std::string&) {
  const size_t count = input.dead_part.size();
  return (count == 1 ? "1 process waits only for itself"
                     : std::to_string(count) + " processes wait only for one another") +
         ": " + Chain(input.dead_part) + "; nothing else for " + Seconds(lasted) + " (" +
         List(input.progress, true) + ")";
}

std::string SayIdle(const Input& input, Duration lasted, const std::string& note) {
  return "for " + Seconds(lasted) + " nothing to speak of in the whole process tree (" +
         List(input.progress, true) + ")" + note + Unwatched(input.progress);
}

std::string SayBusy(const Input& input, Duration lasted, const std::string& note) {
  return "for " + Seconds(lasted) +
         " CPU and nothing else: no output, no new processes, no significant I/O or network traffic" + note +
         Unwatched(input.progress);
}

std::string SayLooping(const Input& input, Duration lasted, const std::string& note) {
  return "for " + Seconds(lasted) + " the output has said nothing new, with no work to speak of beside it" +
         note + Unwatched(input.progress);
}

std::string SayDeadline(const Input& input, Duration lasted, const std::string&) {
  return "running for " + Seconds(lasted) + ", the deadline is " + Seconds(input.limits.deadline) +
         "; judged by time alone";
}

/// The expected line whose time is up first.
struct Due {
  const Expectation* expected = nullptr;
  TimePoint since{};
  Duration limit{0};  // zero: none is expected
  bool first = false;
};

Due FirstDue(const Input& input) {
  Due due;
  for (size_t index = 0; index < input.limits.expected.size(); ++index) {
    const Expectation& expected = input.limits.expected[index];
    const SignProgress& sign = input.progress.signs[index];
    const Duration limit = sign.seen ? expected.within : expected.first;
    if (due.expected != nullptr && sign.last + limit >= due.since + due.limit) continue;
    due = {&expected, sign.last, limit, !sign.seen};
  }
  return due;
}

std::string SayOverdue(const Input& input, Duration lasted, const std::string&) {
  const Due due = FirstDue(input);
  return "for " + Seconds(lasted) + " no line of the output has matched `" +
         due.expected->pattern.substr(0, kPatternBytes) + "`; " +
         (due.first ? "the first was expected within " : "one is expected every ") + Seconds(due.limit);
}

bool Always(const Input&, Duration) { return true; }
TimePoint SinceAnything(const Input& input) { return input.progress.Last(); }

template <Duration Limits::*kLimit>
Duration Fixed(const Input& input) {
  return input.limits.*kLimit;
}

constexpr Rule kRules[] = {
    {Class::Deadlock, false, "WaitCycle", Fixed<&Limits::deadlock_after>,
     [](const Progress& progress) { return Watches(progress, {Signal::Cpu}); }, SinceAnything,
     [](const Input& input, Duration) { return !input.dead_part.empty(); }, SayDeadlock},
    {Class::Idle, true, "NoActivity", Fixed<&Limits::idle_after>,
     [](const Progress& progress) { return Watches(progress, {Signal::Cpu}); }, SinceAnything, Always,
     SayIdle},
    {Class::Busy, true, "NoOutput", Fixed<&Limits::silent_after>,
     [](const Progress& progress) {
       return Watches(progress, {Signal::Cpu, Signal::Io});
     },
     [](const Input& input) {
       return std::max({input.progress.Of(Signal::Output).last, input.progress.Of(Signal::Births).last,
                        input.progress.Of(Signal::Io).last, input.progress.last_work});
     },
     [](const Input& input, Duration limit) { return IsRecent(input, Signal::Cpu, limit); }, SayBusy},
    {Class::Looping, true, "NothingNew", Fixed<&Limits::silent_after>,
     [](const Progress& progress) { return Watches(progress, {Signal::Io}); },
     [](const Input& input) { return std::max(input.progress.last_news, input.progress.last_work); },
     [](const Input& input, Duration limit) { return IsRecent(input, Signal::Output, limit); }, SayLooping},
    {Class::Overdue, false, "", [](const Input& input) { return FirstDue(input).limit; },
     [](const Progress&) { return true; }, [](const Input& input) { return FirstDue(input).since; }, Always,
     SayOverdue},
    {Class::Deadline, false, "DeadlineExceeded", Fixed<&Limits::deadline>,
     [](const Progress&) { return true; }, [](const Input& input) { return input.started; }, Always,
     SayDeadline},
};

Patience PatienceOf(const Input& input) {
  return hang::PatienceOf(input.phase, input.last_line, input.command);
}

/// What the step does cannot be seen from here; only its silence can.
bool RunsElsewhere(const Rule& rule, const Input& input) {
  return rule.hang_class == Class::Idle && input.builder_elsewhere && IsRunStep(input.phase) &&
         input.limits.silent_after > input.limits.idle_after;
}

/// The rule's limit as it is for what the build does now; zero: it is off, or cannot be judged.
Duration LimitOf(const Rule& rule, const Input& input, const Patience& patience) {
  Duration limit = rule.limit(input);
  if (!rule.sees(input.progress) || limit <= Duration::zero()) return Duration::zero();
  if (RunsElsewhere(rule, input)) limit = input.limits.silent_after;
  return limit * (rule.patient ? patience.factor : 1);
}

std::string Note(const Rule& rule, const Input& input, const Patience& patience) {
  std::string note;
  if (RunsElsewhere(rule, input)) note = "; the silent limit holds, for the RUN step's builder is elsewhere";
  if (!rule.patient || patience.factor == 1) return note;
  return note + "; " + std::to_string(patience.factor) + " times the limit, for " +
         std::string(patience.activity) + " is often quiet";
}

}  // namespace

std::span<const Rule> Rules() { return kRules; }

std::optional<Finding> Apply(const Rule& rule, const Input& input) {
  const Patience patience = PatienceOf(input);
  const Duration limit = LimitOf(rule, input, patience);
  const auto lasted = std::chrono::floor<Duration>(input.now - rule.since(input));
  if (limit <= Duration::zero() || lasted < limit || !rule.fits(input, limit)) return std::nullopt;
  const Due due = FirstDue(input);
  std::string reason(rule.reason);
  if (reason.empty() && due.expected != nullptr) reason = due.expected->pattern;
  return Finding{rule.hang_class, std::move(reason), rule.says(input, lasted, Note(rule, input, patience))};
}

std::optional<Finding> Judge(const Input& input) {
  for (const Rule& rule : kRules) {
    if (auto finding = Apply(rule, input)) return finding;
  }
  return std::nullopt;
}

std::optional<Finding> Judge(const Input& input, const Verdict& before) {
  std::optional<Finding> found = Judge(input);
  if (!before.Hung()) return found;
  const Class was = before.finding->hang_class;
  const auto is_quiet = [](Class each) {
    return each == Class::Idle || each == Class::Busy || each == Class::Looping;
  };
  if (found)
    return is_quiet(was) && is_quiet(found->hang_class) && was != found->hang_class ? before.finding : found;
  if (was != Class::Idle) return found;
  TimePoint last = std::max(input.progress.last_much_cpu, input.progress.last_news);
  for (Signal signal : {Signal::Io, Signal::Network, Signal::Output, Signal::Births})
    last = std::max(last, input.progress.Of(signal).last);
  return last <= before.since ? before.finding : found;
}

std::optional<TimePoint> NextLimit(const Input& input) {
  const Patience patience = PatienceOf(input);
  std::optional<TimePoint> next;
  for (const Rule& rule : kRules) {
    const Duration limit = LimitOf(rule, input, patience);
    const TimePoint at = rule.since(input) + limit;
    if (limit > Duration::zero() && at > input.now && (!next || at < *next)) next = at;
  }
  return next;
}

}  // namespace imagebatch::hang
