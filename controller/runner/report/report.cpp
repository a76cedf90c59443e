#include "runner/report/report.h"

#include <algorithm>
#include <numeric>

#include "base/short_name.h"
#include "base/text.h"
#include "base/time.h"
#include "contract/contract.h"
#include "runner/report/json.h"
#include "runner/report/stack_json.h"

namespace imagebatch::runner {
namespace {

namespace key = contract::key;

constexpr size_t kMessageBytes = 300;
constexpr size_t kPhaseBytes = 160;
constexpr size_t kMarkerBytes = 128;

/// How much of the evidence, of the phases and of past verdicts a report holds.
struct Detail {
  size_t sentences;
  size_t sentence_bytes;
  StackDetail stacks;
  size_t processes;
  size_t command_bytes;
  size_t lines;
  size_t line_bytes;
  size_t phases;
  size_t verdicts;
  size_t message_bytes;
  bool whole;  // false: a result holds verdict, marker and exit code alone
};

/// From all to the least. What proves a deadlock goes last. The eleventh must fit 4 KiB together with the
/// largest head: 300 bytes of message, 160 of phase, 128 of marker, and some 600 of names, numbers and times.
/// Those behind it are for a result that has less room, the last for kLeastResultBytes.
constexpr Detail kDetails[] = {
    {16, 330, {24, 16, 640}, 64, 200, 20, 200, 64, 8, 300, true},
    {16, 330, {12, 12, 640}, 32, 160, 20, 160, 40, 8, 300, true},
    {16, 330, {8, 8, 640}, 24, 120, 20, 120, 30, 8, 300, true},
    {12, 330, {8, 6, 500}, 20, 100, 15, 100, 20, 8, 300, true},
    {10, 330, {6, 5, 500}, 16, 80, 10, 80, 15, 8, 300, true},
    {8, 330, {4, 4, 500}, 12, 60, 6, 80, 10, 8, 300, true},
    {6, 330, {3, 3, 400}, 8, 60, 4, 60, 6, 4, 300, true},
    {6, 330, {2, 2, 300}, 8, 60, 4, 60, 6, 4, 300, true},
    {6, 330, {2, 2, 300}, 4, 40, 2, 40, 3, 4, 300, true},
    {6, 330, {1, 1, 240}, 0, 0, 0, 0, 0, 2, 300, true},
    {6, 330, {0, 0, 0}, 0, 0, 0, 0, 0, 2, 300, true},
    {3, 330, {0, 0, 0}, 0, 0, 0, 0, 0, 1, 300, true},
    {1, 330, {0, 0, 0}, 0, 0, 0, 0, 0, 1, 300, true},
    {0, 0, {0, 0, 0}, 0, 0, 0, 0, 0, 0, 300, true},
    {0, 0, {0, 0, 0}, 0, 0, 0, 0, 0, 0, 120, true},
    {0, 0, {0, 0, 0}, 0, 0, 0, 0, 0, 0, 100, false},
};

/// The fullest of the reports that fits. Only what renders a result need look at more than the eleventh.
template <class Render>
std::string Fit(size_t limit, Render render) {
  std::string text;
  for (const Detail& detail : kDetails) {
    text = render(detail);
    if (text.size() <= limit) break;
  }
  return text;
}

void WriteNullable(JsonWriter& json, std::string_view text, size_t limit) {
  if (text.empty()) {
    json.Null();
  } else {
    json.String(text, limit);
  }
}

void WriteClass(JsonWriter& json, const Snapshot& snapshot) {
  const auto& finding = snapshot.verdict.finding;
  json.Key(key::kVerdict).String(finding ? contract::kHung : contract::kProgressing, 16);
  json.Key(key::kClass);
  WriteNullable(json, finding ? hang::Name(finding->hang_class) : "", 32);
}

void WriteSince(JsonWriter& json, const Snapshot& snapshot) {
  json.Key(key::kSince).String(snapshot.clock.Format(snapshot.verdict.since), 32);
}

void WriteReason(JsonWriter& json, const Snapshot& snapshot, size_t message_bytes) {
  const auto& finding = snapshot.verdict.finding;
  json.Key(key::kReason);
  WriteNullable(json, finding ? finding->reason : "", contract::kReasonBytes);
  json.Key(key::kMessage);
  std::string message = finding ? finding->message : "";
  if (finding && snapshot.evidence != nullptr && !snapshot.evidence->explanation.empty()) {
    constexpr size_t kLeast = 60;
    const size_t room = kMessageBytes - std::min(kMessageBytes, message.size() + 20);
    if (room >= kLeast) message.insert(0, Cut(snapshot.evidence->explanation, room) + "; ");
  }
  WriteNullable(json, message, message_bytes);
}

/// By what equal hangs are known. A result with little room has the fingerprint alone.
void WriteAlike(JsonWriter& json, const Snapshot& snapshot, bool with_summary) {
  if (!snapshot.verdict.Hung() || snapshot.evidence == nullptr || snapshot.evidence->fingerprint.empty())
    return;
  json.Key(key::kFingerprint).String(snapshot.evidence->fingerprint, contract::kFingerprintBytes);
  if (with_summary) json.Key(key::kSummary).String(snapshot.evidence->summary, contract::kSummaryBytes);
}

void WriteVerdict(JsonWriter& json, const Snapshot& snapshot) {
  WriteClass(json, snapshot);
  WriteReason(json, snapshot, kMessageBytes);
  WriteAlike(json, snapshot, true);
}

void WriteTimes(JsonWriter& json, const Snapshot& snapshot) {
  WriteSince(json, snapshot);
  json.Key("lastProgress").String(snapshot.clock.Format(snapshot.progress.Last()), 32);
  json.Key("phase");
  WriteNullable(json, snapshot.phase, kPhaseBytes);
}

void WriteProcess(JsonWriter& json, const ProcessEvidence& process, size_t command_bytes) {
  json.BeginObject();
  json.Key("pid").Integer(process.pid);
  json.Key("ppid").Integer(process.parent);
  json.Key("state").String(std::string_view(&process.state, 1), 8);
  if (!process.wchan.empty()) json.Key("wchan").String(process.wchan, 40);
  if (!process.system_call.empty()) json.Key("syscall").String(process.system_call, 24);
  json.Key("threads").Integer(process.threads);
  if (!process.other_threads.empty()) {
    json.Key("otherThreads").BeginObject();
    for (const auto& [call, threads] : process.other_threads) json.Key(call).Integer(threads);
    json.EndObject();
  }
  json.Key(key::kCpu).Decimal(process.cpu_seconds);
  const bool fits = process.command.size() <= command_bytes;
  json.Key("command").String(fits ? process.command : ShortCommand(process.command, command_bytes),
                             command_bytes);
  json.EndObject();
}

/// First of the evidence, so that it is there wherever the rest is cut.
void WriteDeadlock(JsonWriter& json, const Evidence& evidence, const Detail& detail) {
  if (evidence.deadlock.empty()) return;
  json.Key("deadlock").BeginArray();
  for (size_t index = 0; index < std::min(detail.sentences, evidence.deadlock.size()); ++index) {
    json.String(evidence.deadlock[index], detail.sentence_bytes);
  }
  json.EndArray();
}

void WriteSentences(JsonWriter& json, const char* name, const std::vector<std::string>& sentences,
                    size_t most, size_t bytes) {
  if (most == 0 || sentences.empty()) return;
  json.Key(name).BeginArray();
  for (size_t index = 0; index < std::min(most, sentences.size()); ++index)
    json.String(sentences[index], bytes);
  json.EndArray();
}

void WritePressure(JsonWriter& json, std::string_view name, const std::optional<Pressure>& pressure) {
  if (!pressure) return;
  json.Key(name).BeginObject();
  json.Key("some").Decimal(pressure->some);
  json.Key("full").Decimal(pressure->full);
  json.EndObject();
}

void WriteCount(JsonWriter& json, std::string_view name, std::optional<uint64_t> count) {
  if (count) json.Key(name).Integer(static_cast<int64_t>(*count));
}

/// `most`: of the file systems. Nothing where there is no room for one.
void WriteMachine(JsonWriter& json, const Machine& machine, size_t most) {
  if (most == 0) return;
  json.Key("machine").BeginObject();
  json.Key("fileSystems").BeginArray();
  for (size_t index = 0; index < std::min(most, machine.file_systems.size()); ++index) {
    const FileSystem& of = machine.file_systems[index];
    json.BeginObject();
    json.Key("path").String(of.path, 100);
    json.Key("type").String(of.type, 16);
    json.Key("sizeBytes").Integer(static_cast<int64_t>(of.size_bytes));
    json.Key("freeBytes").Integer(static_cast<int64_t>(of.free_bytes));
    if (of.inodes > 0) json.Key("freeInodes").Integer(static_cast<int64_t>(of.free_inodes));
    json.EndObject();
  }
  json.EndArray();
  json.Key(machine.of_container ? "containerPressure" : "machinePressure").BeginObject();
  WritePressure(json, "cpu", machine.cpu);
  WritePressure(json, "memory", machine.memory);
  WritePressure(json, "io", machine.io);
  json.EndObject();
  WriteCount(json, "cpuPeriods", machine.counts.periods);
  WriteCount(json, "throttledPeriods", machine.counts.throttled_periods);
  WriteCount(json, "outOfMemoryKills", machine.counts.out_of_memory_kills);
  json.EndObject();
}

void WriteEvidence(JsonWriter& json, const Snapshot& snapshot, const Detail& detail) {
  json.BeginObject();
  // What the verdict was judged by: only the signals that can be read here.
  json.Key("quietSeconds").BeginObject();
  for (hang::Signal signal : hang::kAllSignals) {
    const hang::SignalProgress& progress = snapshot.progress.Of(signal);
    if (!progress.watched) continue;
    json.Key(hang::Key(signal)).Decimal(std::chrono::duration<double>(snapshot.now - progress.last).count());
  }
  json.Key("news").Decimal(std::chrono::duration<double>(snapshot.now - snapshot.progress.last_news).count());
  json.EndObject();
  if (const Evidence* evidence = snapshot.evidence) {
    WriteDeadlock(json, *evidence, detail);
    if (!evidence->not_needed.empty()) json.Key("notNeeded").String(evidence->not_needed, kMessageBytes);
    // Where there is a deadlock its sentences say the same.
    const size_t waits = evidence->deadlock.empty() ? (detail.sentences + 1) / 2 : detail.processes / 8;
    WriteSentences(json, key::kWaits, evidence->waits.sentences, waits, detail.sentence_bytes);
    WriteSentences(json, key::kRepeats, evidence->repeats.sentences, detail.lines, kRepeatBytes + 40);
    WriteStacks(json, evidence->stacks, detail.stacks);
    const size_t processes = std::min(detail.processes, evidence->processes.size());
    json.Key("processes").BeginArray();
    for (size_t index = evidence->processes.size() - processes; index < evidence->processes.size(); ++index) {
      WriteProcess(json, evidence->processes[index], detail.command_bytes);
    }
    json.EndArray();
    const size_t left_out = evidence->more_processes + evidence->processes.size() - processes;
    if (left_out > 0) json.Key("olderProcesses").Integer(static_cast<int64_t>(left_out));
    if (evidence->connections) json.Key("connections").Integer(static_cast<int64_t>(*evidence->connections));
    if (evidence->machine) WriteMachine(json, *evidence->machine, std::min<size_t>(detail.processes, 4));
    const size_t lines = std::min(detail.lines, evidence->output.size());
    json.Key("output").BeginArray();
    for (size_t index = evidence->output.size() - lines; index < evidence->output.size(); ++index) {
      json.String(evidence->output[index], detail.line_bytes);
    }
    json.EndArray();
  }
  json.EndObject();
}

/// The longest `count` phases, in the order in which they began.
void WritePhases(JsonWriter& json, const std::vector<hang::Phase>& phases, size_t count) {
  std::vector<size_t> chosen(phases.size());
  std::iota(chosen.begin(), chosen.end(), size_t{0});
  std::stable_sort(chosen.begin(), chosen.end(),
                   [&](size_t one, size_t other) { return phases[one].seconds > phases[other].seconds; });
  chosen.resize(std::min(count, chosen.size()));
  std::sort(chosen.begin(), chosen.end());
  json.BeginArray();
  for (size_t index : chosen) {
    json.BeginObject();
    json.Key(key::kName).String(phases[index].name, kPhaseBytes);
    json.Key(key::kSeconds).Decimal(phases[index].seconds);
    json.EndObject();
  }
  json.EndArray();
}

/// The newest `count` times at which it was hung, and how many of each class there were in all.
void WriteVerdicts(JsonWriter& json, const Snapshot& snapshot, const hang::VerdictLog& log, size_t count) {
  json.Key(key::kVerdictCounts).BeginObject();
  for (hang::Class hang_class : hang::kAllClasses) {
    const size_t verdicts = log.Count(hang_class);
    if (verdicts > 0) json.Key(hang::Name(hang_class)).Integer(static_cast<int64_t>(verdicts));
  }
  json.EndObject();
  json.Key("verdicts").BeginArray();
  const auto& newest = log.Newest();
  for (size_t index = newest.size() - std::min(count, newest.size()); index < newest.size(); ++index) {
    json.BeginObject();
    json.Key(key::kClass).String(hang::Name(newest[index].hang_class), 32);
    json.Key(key::kSince).String(snapshot.clock.Format(newest[index].since), 32);
    if (newest[index].until) json.Key("until").String(snapshot.clock.Format(*newest[index].until), 32);
    json.EndObject();
  }
  json.EndArray();
}

constexpr std::string_view kHungStart = "{\"verdict\":\"Hung\",";
constexpr std::string_view kProgressingStart = "{\"verdict\":\"Progressing\",";
constexpr std::string_view kEvidenceKey = ",\"evidence\":{";

}  // namespace

std::string WallClock::Format(hang::TimePoint time) const {
  const auto since_start =
      std::chrono::duration_cast<std::chrono::system_clock::duration>(time - steady_start);
  return FormatTimeMillis(std::chrono::floor<Duration>(wall_start + since_start));
}

std::string RenderState(const Snapshot& snapshot) {
  return Fit(kStateBytes, [&](const Detail& detail) {
    JsonWriter json;
    json.BeginObject();
    WriteVerdict(json, snapshot);
    WriteTimes(json, snapshot);
    json.Key(key::kEvidence);
    WriteEvidence(json, snapshot, detail);
    json.EndObject();
    return json.Text() + "\n";
  });
}

std::string RenderResult(const Snapshot& snapshot, const Outcome& outcome, const std::string& marker,
                         size_t limit) {
  return Fit(limit, [&](const Detail& detail) {
    JsonWriter json;
    json.BeginObject();
    WriteClass(json, snapshot);
    WriteSince(json, snapshot);
    if (!marker.empty()) json.Key(key::kMarker).String(marker, kMarkerBytes);
    WriteReason(json, snapshot, detail.message_bytes);
    WriteAlike(json, snapshot, detail.whole);
    json.Key("exitCode").Integer(outcome.exit_code);
    json.Key(key::kSignal);
    WriteNullable(json, outcome.signal, 16);
    if (detail.whole) {
      WriteVerdicts(json, snapshot, outcome.verdicts, detail.verdicts);
      json.Key("startedAt").String(snapshot.clock.Format(snapshot.clock.steady_start), 32);
      json.Key("finishedAt").String(snapshot.clock.Format(snapshot.now), 32);
      json.Key("lastProgress").String(snapshot.clock.Format(snapshot.progress.Last()), 32);
      json.Key(key::kLongestSilence).Decimal(outcome.longest_silence_seconds);
      json.Key(key::kPeakRss).Integer(static_cast<int64_t>(outcome.peak_resident_bytes));
      json.Key(key::kCpu).Decimal(outcome.cpu_seconds);
      json.Key(key::kOutputBytes).Integer(static_cast<int64_t>(outcome.output_bytes));
      if (outcome.lost_output_bytes > 0) {
        json.Key("lostOutputBytes").Integer(static_cast<int64_t>(outcome.lost_output_bytes));
      }
      json.Key(key::kPhases);
      WritePhases(json, outcome.phases, detail.phases);
      json.Key(key::kEvidence);
      WriteEvidence(json, snapshot, detail);
    }
    json.EndObject();
    return json.Text() + "\n";
  });
}

std::string RenderLogLine(const Snapshot& snapshot, const std::string& marker) {
  const bool hung = snapshot.verdict.Hung();
  return Fit(kLogLineBytes, [&](const Detail& detail) {
    JsonWriter json;
    json.BeginObject();
    json.Key(key::kKind).String(hung ? "evidence" : "verdict", 16);
    if (!marker.empty()) json.Key(key::kMarker).String(marker, kMarkerBytes);
    WriteVerdict(json, snapshot);
    WriteTimes(json, snapshot);
    if (hung) {
      json.Key(key::kEvidence);
      WriteEvidence(json, snapshot, detail);
    }
    json.EndObject();
    return json.Text();
  });
}

bool SaysHung(const std::string& state) { return state.starts_with(kHungStart); }

std::optional<std::string> StateHead(const std::string& state) {
  if (!SaysHung(state) && !state.starts_with(kProgressingStart)) return std::nullopt;
  // Within a JSON string a quote has a backslash before it, so these bytes stand for the member alone.
  const size_t evidence = state.find(kEvidenceKey);
  if (evidence == std::string::npos || evidence + 1 > kProbeBytes) return std::nullopt;
  return state.substr(0, evidence) + "}";
}

}  // namespace imagebatch::runner
