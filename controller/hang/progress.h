#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "hang/arrivals.h"
#include "hang/novelty.h"
#include "hang/verdict.h"

namespace imagebatch::hang {

/// What a build can be seen to do from outside. Each is optional: not every kernel lets every one be read.
enum class Signal { Cpu, Io, Network, Output, Births };
inline constexpr size_t kSignals = 5;
inline constexpr std::array<Signal, kSignals> kAllSignals = {Signal::Cpu, Signal::Io, Signal::Network,
                                                             Signal::Output, Signal::Births};
/// The key in evidence ("cpu", "io", ...).
std::string_view Key(Signal signal);

/// Counters of the whole process tree at one moment, all counted from the start and never reset. A counter
/// that falls (a process took its share with it) counts as no change. Absent: it cannot be read here.
struct Sample {
  TimePoint at;
  std::optional<double> cpu_seconds;  // living processes and the children they have reaped
  std::optional<double>
      container_cpu_seconds;              // the container's own counter, the supervisor's share taken off
  std::optional<uint64_t> io_bytes;       // read and written by system calls, and from and to the disk
  std::optional<uint64_t> written_bytes;  // the part of io_bytes that was written
  // Sent through interfaces that carry nothing but the build's; loopback left out.
  std::optional<uint64_t> network_bytes;
  // Of the tree, to what lies outside of it and over loopback; absent: they cannot be read.
  std::optional<std::vector<Connection>> connections;
  std::optional<uint64_t> births;              // processes seen for the first time, those of a poll left out
  std::optional<TimePoint> newest_command;     // when there was one (hang/command_news.h); may go back
  std::optional<double> printers_cpu_seconds;  // of those who wrote the output, up to when they last did
  bool starved = false;                        // a process waits for a CPU, as it did at the sample before
  uint64_t output_bytes = 0;
  uint64_t output_lines = 0;
  Said said;                         // by the output
  std::vector<uint64_t> signs = {};  // for each of Limits::expected: how often it was seen
};

struct SignalProgress {
  bool watched = false;
  TimePoint last;  // when the signal last showed work; the start where it never did
};

/// A line that the user expects.
struct SignProgress {
  bool seen = false;
  TimePoint last;  // when it was last seen; the start where it never was
};

struct Progress {
  std::array<SignalProgress, kSignals> signals;
  TimePoint last_news;  // when the output last said something new; the start where it never did
  // When there was last more I/O or traffic than a loop makes that tries again and again, or a new command
  TimePoint last_work;
  TimePoint last_much_cpu;               // when there was last more CPU than a poll needs
  std::vector<SignProgress> signs = {};  // for each of Limits::expected

  const SignalProgress& Of(Signal signal) const { return signals[static_cast<size_t>(signal)]; }
  /// When anything last showed work.
  TimePoint Last() const;
};

/// Turns samples into "what last showed work, and when".
///
/// Idle is a rate, not zero: Go, JVM and Node runtimes tick, a probe and ARP make a little traffic, a shell
/// may sleep and test. So each signal has a leaky bucket: what is counted flows in, its allowance flows out,
/// and only when the bucket runs over has the signal shown work. The result does not depend on how often
/// samples come.
///
/// What comes over a connection of the tree is work however little it is, unless it is the connection's own
/// heartbeat (hang/arrivals.h): the other end works, and tells.
///
/// A second set of buckets finds work that no loop does: what a turn of a loop costs (to start its programs,
/// to ask its server, to print its line) flows out with the allowance.
class ProgressTracker {
 public:
  /// `signs`: how many of Limits::expected there are.
  explicit ProgressTracker(TimePoint start, size_t signs = 0);

  void Add(const Sample& sample);
  /// So much of the time before the next sample was not the build's: it was held up from outside.
  void Excuse(std::chrono::steady_clock::duration time) { excused_ += time; }
  const Progress& Get() const { return progress_; }

 private:
  struct Counter {
    std::optional<double> value;
    double level = 0;

    /// By how much it has grown since it was last read; what it was before the first time is not known.
    double Grown(double now);
    /// Empties the bucket when it holds more than `burst`; a level below zero is none.
    bool RunsOver(double burst);
  };
  enum Source { kTreeCpu, kContainerCpu, kRead, kWritten, kNetwork, kPayload, kOutput, kBirths, kSources };
  static constexpr size_t kWorks = 5;  // bytes read, written, sent, of all connections, streamed

  /// Moves all times, as far as to `now`.
  void MoveTimes(std::chrono::steady_clock::duration by, TimePoint now);
  void Feed(Source source, Signal signal, std::optional<double> value, TimePoint at, double seconds);
  void FeedConnections(const Sample& sample, double seconds);
  void FeedStarved(const Sample& sample, double seconds);
  void FeedWork(const Sample& sample, double seconds);
  void FeedCommands(const Sample& sample);
  void FeedMuchCpu(const Sample& sample, double seconds);
  void FeedSaid(const Sample& sample);
  void FeedMarks(const Sample& sample, double seconds);

  Progress progress_;
  TimePoint last_sample_;
  std::chrono::steady_clock::duration excused_{0};
  std::array<Counter, kSources> counters_;
  std::array<Counter, kWorks> works_;
  Arrivals arrivals_;
  TimePoint last_traffic_;  // the network's signal without single arrivals
  Counter starved_;
  Counter marked_cpu_, ticked_cpu_, much_cpu_;
  TimePoint last_certain_news_;  // last_news without what is in doubt
  // Births and last_work without new commands, and what new commands cannot go back behind
  TimePoint last_births_, last_bytes_, earliest_command_;
  Sample before_;
};

}  // namespace imagebatch::hang
