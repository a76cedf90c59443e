#include "hang/checks.h"

#include <algorithm>
#include <string>
#include <utility>

#include "hang/patience.h"
#include "hang/wait_words.h"

namespace imagebatch::hang {
namespace {

std::string Seconds(std::chrono::steady_clock::duration length) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(length).count()) + " s";
}

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

/// The limit with the current phase's patience; says so in `note`, which is empty otherwise.
Duration WithPatience(Duration limit, const Input& input, std::string& note) {
  const Patience patience = PatienceOf(input.phase, input.last_line);
  if (patience.factor == 1) return limit;
  note = "; " + std::to_string(patience.factor) + " times the limit, for " + std::string(patience.activity) +
         " is often quiet";
  return limit * patience.factor;
}

/// What Busy counts from: anything but CPU, and the traffic of a loop that asks again and again.
TimePoint LastBesideCpu(const Progress& progress) {
  return std::max({progress.Of(Signal::Output).last, progress.Of(Signal::Births).last,
                   progress.Of(Signal::Io).last, progress.last_work});
}

/// What Looping counts from.
TimePoint LastNewsOrWork(const Progress& progress) {
  return std::max(progress.last_news, progress.last_work);
}

std::string Unwatched(const Progress& progress) {
  const std::string unseen = List(progress, false);
  return unseen.empty() ? unseen : "; not watched here: " + unseen;
}

}  // namespace

std::optional<Finding> CheckDeadlock(const Input& input) {
  if (input.limits.deadlock_after <= Duration::zero() || input.dead_part.empty()) return std::nullopt;
  if (!input.progress.Of(Signal::Cpu).watched) return std::nullopt;
  const auto quiet = input.now - input.progress.Last();
  if (quiet < input.limits.deadlock_after) return std::nullopt;
  const size_t count = input.dead_part.size();
  return Finding{
      Class::Deadlock, "WaitCycle",
      (count == 1 ? "1 process waits for itself" : std::to_string(count) + " processes wait for themselves") +
          " alone: " + Chain(input.dead_part) + "; nothing else for " + Seconds(quiet) + " (" +
          List(input.progress, true) + ")"};
}

std::optional<Finding> CheckIdle(const Input& input) {
  if (input.limits.idle_after <= Duration::zero()) return std::nullopt;
  if (!input.progress.Of(Signal::Cpu).watched) return std::nullopt;
  const auto quiet = input.now - input.progress.Last();
  std::string note;
  if (quiet < WithPatience(input.limits.idle_after, input, note)) return std::nullopt;
  return Finding{Class::Idle, "NoActivity",
                 "for " + Seconds(quiet) + " nothing to speak of in the whole process tree (" +
                     List(input.progress, true) + ")" + note + Unwatched(input.progress)};
}

std::optional<Finding> CheckBusy(const Input& input) {
  if (input.limits.silent_after <= Duration::zero()) return std::nullopt;
  const Progress& progress = input.progress;
  if (!progress.Of(Signal::Cpu).watched || !progress.Of(Signal::Io).watched) return std::nullopt;
  const auto silent = input.now - LastBesideCpu(progress);
  std::string note;
  const Duration limit = WithPatience(input.limits.silent_after, input, note);
  if (silent < limit || input.now - progress.Of(Signal::Cpu).last >= limit) return std::nullopt;
  return Finding{Class::Busy, "NoOutput",
                 "for " + Seconds(silent) +
                     " CPU alone: no output, no new processes, no I/O or network traffic to speak of" + note +
                     Unwatched(progress)};
}

std::optional<Finding> CheckLooping(const Input& input) {
  if (input.limits.silent_after <= Duration::zero()) return std::nullopt;
  const Progress& progress = input.progress;
  if (!progress.Of(Signal::Io).watched) return std::nullopt;
  const auto repeating = input.now - LastNewsOrWork(progress);
  std::string note;
  const Duration limit = WithPatience(input.limits.silent_after, input, note);
  if (repeating < limit || input.now - progress.Of(Signal::Output).last >= limit) return std::nullopt;
  return Finding{Class::Looping, "NothingNew",
                 "for " + Seconds(repeating) +
                     " the output has said nothing new, with no work to speak of beside it" + note +
                     Unwatched(progress)};
}

std::optional<Finding> CheckDeadline(const Input& input) {
  if (input.limits.deadline <= Duration::zero()) return std::nullopt;
  const auto age = input.now - input.started;
  if (age < input.limits.deadline) return std::nullopt;
  return Finding{Class::Deadline, "DeadlineExceeded",
                 "running for " + Seconds(age) + ", the deadline is " + Seconds(input.limits.deadline) +
                     "; judged by the clock alone"};
}

std::optional<Finding> Judge(const Input& input) {
  for (Check check : kBuildChecks) {
    if (auto finding = check(input)) return finding;
  }
  return std::nullopt;
}

std::optional<TimePoint> NextLimit(const Input& input) {
  const int patience = PatienceOf(input.phase, input.last_line).factor;
  const Progress& progress = input.progress;
  const std::pair<TimePoint, Duration> limits[] = {
      {progress.Last(), input.limits.deadlock_after},
      {progress.Last(), input.limits.idle_after * patience},
      {LastBesideCpu(progress), input.limits.silent_after * patience},
      {LastNewsOrWork(progress), input.limits.silent_after * patience},
      {input.started, input.limits.deadline},
  };
  std::optional<TimePoint> next;
  for (const auto& [begin, limit] : limits) {
    const TimePoint at = begin + limit;
    if (limit > Duration::zero() && at > input.now && (!next || at < *next)) next = at;
  }
  return next;
}

}  // namespace imagebatch::hang
