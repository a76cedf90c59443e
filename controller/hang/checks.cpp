#include "hang/checks.h"

#include <string>

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

}  // namespace

std::optional<Finding> CheckIdle(const Input& input) {
  if (input.limits.idle_after <= Duration::zero()) return std::nullopt;
  if (!input.progress.Of(Signal::Cpu).watched) return std::nullopt;
  const auto quiet = input.now - input.progress.Last();
  if (quiet < input.limits.idle_after) return std::nullopt;
  std::string message = "for " + Seconds(quiet) + " nothing to speak of in the whole process tree (" +
                        List(input.progress, true) + ")";
  const std::string unseen = List(input.progress, false);
  if (!unseen.empty()) message += "; not watched here: " + unseen;
  return Finding{Class::Idle, "NoActivity", std::move(message)};
}

std::optional<Finding> CheckDeadline(const Input& input) {
  if (input.limits.deadline <= Duration::zero()) return std::nullopt;
  const auto age = input.now - input.started;
  if (age < input.limits.deadline) return std::nullopt;
  return Finding{Class::Deadline, "DeadlineExceeded",
                 "running for " + Seconds(age) + ", the deadline is " + Seconds(input.limits.deadline)};
}

std::optional<Finding> Judge(const Input& input) {
  for (Check check : kBuildChecks) {
    if (auto finding = check(input)) return finding;
  }
  return std::nullopt;
}

}  // namespace imagebatch::hang
