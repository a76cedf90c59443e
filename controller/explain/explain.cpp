#include "explain/explain.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/short_name.h"
#include "base/text.h"
#include "contract/contract.h"
#include "explain/sheet.h"

namespace imagebatch::explain {
namespace {

using nlohmann::json;
namespace key = contract::key;

constexpr size_t kMostLevels = 32;
constexpr size_t kMostBytes = size_t{256} << 10;
constexpr size_t kMostSentences = 6, kMostGroups = 6, kMostThreads = 5, kMostProcesses = 8, kMostOutput = 8;
constexpr size_t kMostNamedPids = 6;
constexpr size_t kCommandBytes = 60;

std::string Text(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

/// A member that is an array; an empty one where there is none.
const json& List(const json& object, const char* name) {
  static const json none = json::array();
  const auto at = object.find(name);
  return at != object.end() && at->is_array() ? *at : none;
}

std::string Number(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_number() ? at->dump() : std::string("?");
}

std::string Plural(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : what.ends_with("s") ? "es" : "s");
}

void Heading(Sheet& sheet, std::string_view title) {
  sheet.Empty();
  sheet.Add(0, title);
}

/// Says what of a list is not shown.
void SayMore(Sheet& sheet, size_t indent, size_t count, const std::string& what) {
  if (count > 0) sheet.Add(indent, "and " + Plural(count, what) + " more");
}

void Verdict(Sheet& sheet, const json& line) {
  std::string title = Text(line, key::kVerdict);
  if (const std::string name = Text(line, key::kClass); !name.empty()) title += ": " + name;
  if (const std::string reason = Text(line, key::kReason); !reason.empty()) title += " (" + reason + ")";
  sheet.Add(0, title + " since " + Text(line, key::kSince));
  if (const std::string message = Text(line, key::kMessage); !message.empty()) sheet.Add(2, message);
  if (const std::string summary = Text(line, key::kSummary); !summary.empty())
    sheet.Add(2, "alike: " + summary + " (" + Text(line, key::kFingerprint) + ")");
  const std::string progress = Text(line, "lastProgress");
  if (Text(line, key::kVerdict) == contract::kProgressing && !progress.empty())
    sheet.Add(2, "last progress " + progress);
  if (const std::string phase = Text(line, "phase"); !phase.empty()) sheet.AddCut(2, "in " + phase);
}

void Sentences(Sheet& sheet, const json& evidence, const char* name, std::string_view title,
               const std::string& what) {
  const json& sentences = List(evidence, name);
  if (sentences.empty()) return;
  Heading(sheet, title);
  for (size_t index = 0; index < std::min(kMostSentences, sentences.size()); ++index) {
    if (sentences[index].is_string()) sheet.Add(2, sentences[index].get<std::string>());
  }
  SayMore(sheet, 2, sentences.size() - std::min(kMostSentences, sentences.size()), what);
}

void Thread(Sheet& sheet, const json& thread) {
  if (!thread.is_object()) return;
  const std::string at = Text(thread, key::kAt);
  sheet.Add(4, Text(thread, key::kThread) + (at.empty() ? "" : ": " + at));
  if (const std::string lock = Text(thread, key::kWaitsFor); !lock.empty()) sheet.Add(6, "waits for " + lock);
}

std::string TitleOf(const json& group) {
  const json& pids = List(group, key::kPids);
  std::string title = pids.size() == 1 ? "pid" : Plural(pids.size(), "process") + " alike: pids";
  for (size_t index = 0; index < std::min(kMostNamedPids, pids.size()); ++index) {
    title += (index == 0 ? " " : ", ") + (pids[index].is_number() ? pids[index].dump() : std::string("?"));
  }
  if (pids.size() > kMostNamedPids) title += ", ...";
  if (const std::string python = Text(group, key::kPython); !python.empty())
    title += " (Python " + python + ")";
  return title;
}

/// Those that wait for a lock first: there the fix begins.
void Stacks(Sheet& sheet, const json& evidence) {
  std::vector<const json*> groups;
  for (const json& group : List(evidence, key::kStacks)) {
    if (group.is_object()) groups.push_back(&group);
  }
  const auto waits = [](const json* group) {
    const json& threads = List(*group, key::kThreads);
    return std::any_of(threads.begin(), threads.end(), [](const json& thread) {
      return thread.is_object() && !Text(thread, key::kWaitsFor).empty();
    });
  };
  std::stable_partition(groups.begin(), groups.end(), waits);
  const json& not_read = List(evidence, key::kNotRead);
  if (groups.empty() && not_read.empty()) return;
  Heading(sheet, "Where they stand");
  for (size_t index = 0; index < std::min(kMostGroups, groups.size()); ++index) {
    sheet.Add(2, TitleOf(*groups[index]));
    const json& threads = List(*groups[index], key::kThreads);
    for (size_t at = 0; at < std::min(kMostThreads, threads.size()); ++at) Thread(sheet, threads[at]);
    SayMore(sheet, 4, threads.size() - std::min(kMostThreads, threads.size()), "thread");
  }
  SayMore(sheet, 2, groups.size() - std::min(kMostGroups, groups.size()), "group");
  for (const json& what : not_read) {
    if (what.is_string()) sheet.Add(2, "not read: " + what.get<std::string>());
  }
}

void Processes(Sheet& sheet, const json& evidence) {
  const json& processes = List(evidence, "processes");
  if (processes.empty()) return;
  Heading(sheet, "Processes");
  const size_t shown = std::min(kMostProcesses, processes.size());
  // The youngest are at the bottom of the tree, where the work is stuck.
  for (size_t index = processes.size() - shown; index < processes.size(); ++index) {
    const json& process = processes[index];
    if (!process.is_object()) continue;
    sheet.AddCut(2, "pid " + Number(process, "pid") + "  " + Text(process, "state") + "  " +
                        Text(process, "syscall") + "  " + Number(process, key::kCpu) + " s CPU  " +
                        ShortCommand(Text(process, "command"), kCommandBytes));
  }
  SayMore(sheet, 2, processes.size() - shown, "process");
}

void Output(Sheet& sheet, const json& evidence) {
  const json& output = List(evidence, "output");
  if (output.empty()) return;
  Heading(sheet, "Last output");
  const size_t shown = std::min(kMostOutput, output.size());
  for (size_t index = output.size() - shown; index < output.size(); ++index) {
    if (output[index].is_string()) sheet.AddCut(2, output[index].get<std::string>());
  }
}

json Parse(std::string_view text) {
  if (text.size() > kMostBytes || NestedDeeper(text, kMostLevels)) return {};
  json parsed = json::parse(text, nullptr, false);
  return parsed.is_object() && !Text(parsed, key::kVerdict).empty() ? parsed : json();
}

/// The runner's last line in a log that says that it hangs.
json LastLine(std::string_view log) {
  const std::string start = std::string("{\"") + key::kKind + "\":\"evidence\"";
  for (size_t at = log.rfind(start); at != std::string_view::npos;
       at = at == 0 ? log.npos : log.rfind(start, at - 1)) {
    if (at > 0 && log[at - 1] != '\n') continue;
    if (json line = Parse(log.substr(at, log.find('\n', at) - at)); line.is_object()) return line;
  }
  return {};
}

}  // namespace

std::optional<std::string> Explain(std::string_view text, size_t most_lines) {
  json line = Parse(text);
  if (!line.is_object()) line = LastLine(text);
  if (!line.is_object()) return std::nullopt;
  Sheet sheet(kColumns);
  Verdict(sheet, line);
  const auto evidence = line.find(key::kEvidence);
  if (evidence != line.end() && evidence->is_object()) {
    const bool deadlock = !List(*evidence, "deadlock").empty();
    Sentences(sheet, *evidence, "deadlock", "Who waits for whom", "process");
    if (!deadlock) Sentences(sheet, *evidence, key::kWaits, "What each waits for", "sentence");
    Sentences(sheet, *evidence, key::kRepeats, "What it says again and again", "line");
    if (const std::string dead = Text(*evidence, "notNeeded"); !dead.empty()) sheet.Add(2, dead);
    Stacks(sheet, *evidence);
    Processes(sheet, *evidence);
    Output(sheet, *evidence);
  }
  return sheet.Text(most_lines);
}

}  // namespace imagebatch::explain
