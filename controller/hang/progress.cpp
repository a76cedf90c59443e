#include "hang/progress.h"

#include <algorithm>

namespace imagebatch::hang {
namespace {

using std::chrono::duration;
using std::chrono::seconds;

/// What leaks out of a signal's bucket per second, and what the bucket holds: less than both is no work.
struct Allowance {
  double per_second;
  double burst;
};

Allowance AllowanceOf(Signal signal) {
  switch (signal) {
    case Signal::Cpu:
      // Seconds of CPU. Measured at rest: buildkitd 0.02 % of a core, a 10 Hz heartbeat thread of CPython 0.1
      // %, `while sleep 1; do test -e x; done` 0.2 %. The least busy healthy build seen, a download at 50
      // KB/s, is seen by its traffic. The burst passes the 10 ms steps of the kernel's clock and a runtime's
      // collection.
      return {0.005, 0.1};
    case Signal::Io:
      // Bytes. A loop that starts one small program per second reads about 4 KB per turn (loader, locale).
      return {8192, 128 * 1024};
    case Signal::Network:
      // Bytes, headers included. Keepalives, ARP and the health check of a gRPC session stay below 200 B/s.
      return {256, 4096};
    case Signal::Output:
      // Every byte is output; whether it says something new is for another check to judge.
      return {0, 0};
    case Signal::Births:
      // Processes. A loop around `sleep` starts one or two per second and is no work.
      return {2.5, 10};
  }
  return {0, 0};
}

/// A supervisor that did not run for so long (starved, stopped, frozen with its container) did not watch:
/// that time is not the build's.
constexpr seconds kLongestGap{30};

std::optional<double> AsDouble(std::optional<uint64_t> value) {
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

}  // namespace

std::string_view Key(Signal signal) {
  switch (signal) {
    case Signal::Cpu:
      return "cpu";
    case Signal::Io:
      return "io";
    case Signal::Network:
      return "network";
    case Signal::Output:
      return "output";
    case Signal::Births:
      return "births";
  }
  return "";
}

TimePoint Progress::Last() const {
  TimePoint last = signals[0].last;
  for (const SignalProgress& signal : signals) last = std::max(last, signal.last);
  return last;
}

ProgressTracker::ProgressTracker(TimePoint start) : last_sample_(start) {
  for (SignalProgress& signal : progress_.signals) signal.last = start;
  counters_[kOutput].value = 0;
}

void ProgressTracker::Add(const Sample& sample) {
  const auto gap = sample.at - last_sample_;
  if (gap > kLongestGap) {
    for (SignalProgress& signal : progress_.signals) signal.last += gap - kLongestGap;
  }
  last_sample_ = sample.at;
  const double passed = duration<double>(gap).count();
  for (SignalProgress& signal : progress_.signals) signal.watched = false;
  Feed(kTreeCpu, Signal::Cpu, sample.cpu_seconds, sample.at, passed);
  Feed(kContainerCpu, Signal::Cpu, sample.container_cpu_seconds, sample.at, passed);
  Feed(kIo, Signal::Io, AsDouble(sample.io_bytes), sample.at, passed);
  Feed(kNetwork, Signal::Network, AsDouble(sample.network_bytes), sample.at, passed);
  Feed(kOutput, Signal::Output, static_cast<double>(sample.output_bytes), sample.at, passed);
  Feed(kBirths, Signal::Births, AsDouble(sample.births), sample.at, passed);
}

void ProgressTracker::Feed(Source source, Signal signal, std::optional<double> value, TimePoint at,
                           double seconds) {
  if (!value) return;
  Counter& counter = counters_[source];
  SignalProgress& progress = progress_.signals[static_cast<size_t>(signal)];
  progress.watched = true;
  const Allowance allowance = AllowanceOf(signal);
  const double grown = counter.value ? std::max(0.0, *value - *counter.value) : 0.0;
  counter.value = value;
  counter.level = std::max(0.0, counter.level + grown - allowance.per_second * seconds);
  if (counter.level <= allowance.burst) return;
  counter.level = 0;
  progress.last = at;
}

}  // namespace imagebatch::hang
