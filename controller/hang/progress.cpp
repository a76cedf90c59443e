#include "hang/progress.h"

#include <algorithm>
#include <utility>

namespace imagebatch::hang {
namespace {

using std::chrono::duration;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// What leaks out of a signal's bucket per second, and what the bucket holds: less than both is no work.
struct Allowance {
  double per_second;
  double burst;
};

Allowance AllowanceOf(Signal signal) {
  switch (signal) {
    case Signal::Cpu:
      // Seconds of CPU. Measured at rest, in percent of a core: buildkitd 0.05, a CPython thread that beats
      // ten times a second 0.05, `while sleep 1; do test -e x; done` 0.1, the same with grep 0.25. The burst
      // passes the kernel's 10 ms steps and a runtime's garbage collection.
      return {0.005, 0.1};
    case Signal::Io:
      // Bytes written. What is made is written, even a trickling download; a log that nobody sees may grow.
      return {4096, 64 * 1024};
    case Signal::Network:
      // Bytes sent, headers included, where connections cannot be read. TCP keepalives are about 5 per
      // second, the health check that a BuildKit session makes every 5 s about 50; a download acknowledges
      // each of its segments with 66.
      return {96, 2048};
    case Signal::Output:
      // Every byte is output; whether it says something new is for another check to judge.
      return {0, 0};
    case Signal::Births:
      // Processes. A loop that sleeps for a second and looks starts one or two in each turn, and is no work.
      return {2.5, 10};
  }
  return {0, 0};
}

/// What a loop may do that tries the same thing again and again, without its being work. A line allows for
/// one turn of the loop: a heartbeat prints few of them, and a loop that fails prints one in each turn.
struct LoopAllowance {
  double per_second;
  double per_line;         // of output
  double per_output_byte;  // write() counts it, and each pipe it goes through counts it twice
  double burst;
};

LoopAllowance LoopAllowanceOf(size_t work) {
  constexpr double kKiB = 1024;
  constexpr LoopAllowance kAllowances[] = {
      // Bytes read: a loop loads its programs again in each turn. Measured: curl 53 kB, node 190 kB, python3
      // 1.2 MB, pip 4 to 8 MB and several lines. A compiler that reads less than that writes.
      {128 * kKiB, 4096 * kKiB, 8, 4096 * kKiB},
      // Bytes written: what is made stays, and a loop that fails makes next to nothing: curl, node, python3
      // 15, pip 3 kB. (git clone leaves 140 kB of a repository in each turn, and is taken for work.)
      {4 * kKiB, 2 * kKiB, 8, 32 * kKiB},
      // Bytes sent: names are looked up and requests refused, 200 to 1,500 in each turn.
      {2 * kKiB, 4 * kKiB, 0, 64 * kKiB},
      // The same of connections, where it is counted without headers, and what comes too: an error's page.
      {2 * kKiB, 4 * kKiB, 0, 64 * kKiB},
      // What comes on lasting connections. buildctl gets each line of output that way, in a message of 125
      // bytes more than the line; a server's answer to one that asks and prints has some hundred. A daemon
      // that works tells of more than that: dockerd 190 bytes ten times a second.
      {64, kKiB, 2, 2 * kKiB},
  };
  return kAllowances[work];
}

/// Seconds of CPU beside marks. A shell that sleeps, asks with curl and prints a dot or "17" uses 0.01 in
/// each turn, with python3 0.05.
constexpr LoopAllowance kMarkedCpu = {0.015, 0.03, 0, 0.05};

/// Seconds in which a process stood ready to run at one sample after the other. On a machine with much else
/// to do one that only ticks is met so now and then, one that computes nearly always.
constexpr Allowance kStarved{0.5, 3};

/// Seconds of CPU that a poll which starts a shell's tools in each turn does not reach.
constexpr Allowance kMuchCpu{0.1, 0.5};

/// Bytes of connections, headers and heartbeats left out: those of a rhythm that is not yet known.
constexpr Allowance kPayloadAllowance{256, 2048};

/// Bytes read, which show as I/O too. A loop that sleeps and looks loads its programs in each turn, and reads
/// more than any real work is that writes nothing: `test` and sleep 7,700 (nc the same), curl 53,000.
constexpr Allowance kReadAllowance{64.0 * 1024, 128.0 * 1024};

/// A supervisor that did not run for so long (starved, stopped, frozen with its container) did not watch:
/// that time is not the build's.
constexpr seconds kLongestGap{30};

std::optional<double> AsDouble(std::optional<uint64_t> value) {
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

std::optional<double> BytesRead(const Sample& sample) {
  if (!sample.io_bytes) return std::nullopt;
  return static_cast<double>(*sample.io_bytes - std::min(*sample.io_bytes, sample.written_bytes.value_or(0)));
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

ProgressTracker::ProgressTracker(TimePoint start, size_t signs)
    : last_sample_(start), arrivals_(start), last_traffic_(start) {
  progress_.signs.assign(signs, {false, start});
  before_.signs.assign(signs, 0);
  progress_.last_news = progress_.last_work = progress_.last_much_cpu = start;
  last_certain_news_ = last_births_ = last_bytes_ = earliest_command_ = start;
  for (SignalProgress& signal : progress_.signals) signal.last = start;
  counters_[kOutput].value = 0;
}

void ProgressTracker::Add(const Sample& sample) {
  const auto gap = sample.at - last_sample_;
  const auto unwatched = std::max<steady_clock::duration>(gap - kLongestGap, steady_clock::duration::zero());
  MoveTimes(unwatched + std::exchange(excused_, steady_clock::duration::zero()), sample.at);
  last_sample_ = sample.at;
  const double passed = duration<double>(gap).count();
  for (SignalProgress& signal : progress_.signals) signal.watched = false;
  Feed(kTreeCpu, Signal::Cpu, sample.cpu_seconds, sample.at, passed);
  Feed(kContainerCpu, Signal::Cpu, sample.container_cpu_seconds, sample.at, passed);
  Feed(kRead, Signal::Io, BytesRead(sample), sample.at, passed);
  Feed(kWritten, Signal::Io, AsDouble(sample.written_bytes), sample.at, passed);
  FeedConnections(sample, passed);
  Feed(kOutput, Signal::Output, static_cast<double>(sample.output_bytes), sample.at, passed);
  Feed(kBirths, Signal::Births, AsDouble(sample.births), sample.at, passed);
  FeedStarved(sample, passed);
  FeedWork(sample, passed);
  FeedCommands(sample);
  FeedMuchCpu(sample, passed);
  FeedSaid(sample);
  FeedMarks(sample, passed);
  for (size_t sign = 0; sign < sample.signs.size(); ++sign) {
    if (sample.signs[sign] > before_.signs[sign]) progress_.signs[sign] = {true, sample.at};
  }
  before_ = sample;
  before_.connections.reset();
}

void ProgressTracker::MoveTimes(steady_clock::duration by, TimePoint now) {
  if (by <= steady_clock::duration::zero()) return;
  const auto move = [by, now](TimePoint& time) { time = std::min(time + by, now); };
  if (before_.newest_command) earliest_command_ = std::max(earliest_command_, *before_.newest_command);
  for (SignalProgress& signal : progress_.signals) move(signal.last);
  for (SignProgress& sign : progress_.signs) move(sign.last);
  move(last_traffic_);
  arrivals_.Move(by, now);
  move(progress_.last_news);
  move(progress_.last_work);
  move(progress_.last_much_cpu);
  move(last_certain_news_);
  move(last_births_);
  move(last_bytes_);
  move(earliest_command_);
}

double ProgressTracker::Counter::Grown(double now) {
  const double grown = value ? std::max(0.0, now - *value) : 0.0;
  value = now;
  return grown;
}

bool ProgressTracker::Counter::RunsOver(double burst) {
  level = std::max(0.0, level);
  if (level <= burst) return false;
  level = 0;
  return true;
}

void ProgressTracker::Feed(Source source, Signal signal, std::optional<double> value, TimePoint at,
                           double seconds) {
  if (!value) return;
  Counter& counter = counters_[source];
  SignalProgress& progress = progress_.signals[static_cast<size_t>(signal)];
  progress.watched = true;
  const Allowance allowance = source == kRead      ? kReadAllowance
                              : source == kPayload ? kPayloadAllowance
                                                   : AllowanceOf(signal);
  counter.level += counter.Grown(*value) - allowance.per_second * seconds;
  if (counter.RunsOver(allowance.burst)) progress.last = at;
}

void ProgressTracker::FeedConnections(const Sample& sample, double seconds) {
  SignalProgress& network = progress_.signals[static_cast<size_t>(Signal::Network)];
  network.last = last_traffic_;
  Feed(kNetwork, Signal::Network, AsDouble(sample.network_bytes), sample.at, seconds);
  if (sample.connections) {
    arrivals_.Add(sample.at, *sample.connections);
    Feed(kPayload, Signal::Network, static_cast<double>(arrivals_.Bytes()), sample.at, seconds);
  }
  last_traffic_ = network.last;
  network.last = std::max(last_traffic_, arrivals_.LastNews());
}

/// Who gets no CPU where others have it all is not idle.
void ProgressTracker::FeedStarved(const Sample& sample, double seconds) {
  starved_.level += (sample.starved ? seconds : 0) - kStarved.per_second * seconds;
  if (starved_.RunsOver(kStarved.burst)) progress_.signals[static_cast<size_t>(Signal::Cpu)].last = sample.at;
}

void ProgressTracker::FeedWork(const Sample& sample, double seconds) {
  const std::optional<double> values[kWorks] = {
      BytesRead(sample), AsDouble(sample.written_bytes), AsDouble(sample.network_bytes),
      static_cast<double>(arrivals_.Bytes()), static_cast<double>(arrivals_.StreamedBytes())};
  const auto bytes = static_cast<double>(sample.output_bytes - before_.output_bytes);
  const auto lines = static_cast<double>(sample.output_lines - before_.output_lines);
  for (size_t work = 0; work < kWorks; ++work) {
    if (!values[work]) continue;
    const LoopAllowance allowance = LoopAllowanceOf(work);
    Counter& counter = works_[work];
    counter.level += counter.Grown(*values[work]) - allowance.per_second * seconds -
                     allowance.per_line * lines - allowance.per_output_byte * bytes;
    if (counter.RunsOver(allowance.burst)) last_bytes_ = sample.at;
  }
}

void ProgressTracker::FeedCommands(const Sample& sample) {
  TimePoint& births = progress_.signals[static_cast<size_t>(Signal::Births)].last;
  if (births == sample.at) last_births_ = births;
  const TimePoint command = std::max(earliest_command_, sample.newest_command.value_or(earliest_command_));
  births = std::max(last_births_, command);
  progress_.last_work = std::max(last_bytes_, command);
}

void ProgressTracker::FeedMuchCpu(const Sample& sample, double seconds) {
  if (!sample.cpu_seconds) return;
  much_cpu_.level += much_cpu_.Grown(*sample.cpu_seconds) - kMuchCpu.per_second * seconds;
  if (much_cpu_.RunsOver(kMuchCpu.burst)) progress_.last_much_cpu = sample.at;
}

void ProgressTracker::FeedSaid(const Sample& sample) {
  if (sample.said.news > before_.said.news) last_certain_news_ = sample.at;
  if (sample.said.doubts > before_.said.doubts) progress_.last_news = sample.at;
  if (sample.said.withdrawals > before_.said.withdrawals) progress_.last_news = last_certain_news_;
  progress_.last_news = std::max(progress_.last_news, last_certain_news_);
}

/// A test runner computes for each of its dots, a solver for each of its rounds; a loop that waits and counts
/// its turns does not. What has the pace of a clock must have been computed by whoever prints it: a heartbeat
/// tells of itself and not of what computes beside it.
void ProgressTracker::FeedMarks(const Sample& sample, double seconds) {
  const auto lines = static_cast<double>(sample.output_lines - before_.output_lines);
  const auto feed = [&](Counter& counter, std::optional<double> cpu, bool marked) {
    if (!cpu) return;
    counter.level += counter.Grown(*cpu) - kMarkedCpu.per_second * seconds - kMarkedCpu.per_line * lines;
    if (marked && counter.RunsOver(kMarkedCpu.burst)) last_certain_news_ = progress_.last_news = sample.at;
    counter.level = std::clamp(counter.level, 0.0, 2 * kMarkedCpu.burst);
  };
  feed(marked_cpu_, sample.cpu_seconds, sample.said.marks > before_.said.marks);
  const auto printers = sample.printers_cpu_seconds ? sample.printers_cpu_seconds : sample.cpu_seconds;
  feed(ticked_cpu_, printers, sample.said.ticks > before_.said.ticks);
}

}  // namespace imagebatch::hang
