#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "cli/view/json_access.h"
#include "cli/view/spans.h"
#include "cli/view/story.h"
#include "cli/view/table.h"
#include "explain/explain.h"
#include "explain/sheet.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;

constexpr size_t kLogLines = 20;
constexpr size_t kMostLine = 1000, kMostShown = 20;

std::string When(const std::optional<Time>& time) { return time ? FormatTime(*time) : ""; }

std::string Took(const Attempt& attempt, Time now) {
  if (!attempt.started) return "";
  return Span(attempt.finished.value_or(now) - *attempt.started);
}

std::string WhyOf(const Attempt& attempt) {
  std::string why = attempt.cause;
  if (!attempt.hang.empty()) why += why.empty() ? attempt.hang : " (" + attempt.hang + ")";
  if (!attempt.error.empty()) why += (why.empty() ? "" : ": ") + attempt.error;
  // A reason such as Error says little without it
  if (attempt.exit_code.value_or(0) != 0 && why.find("exit code") == std::string::npos)
    why += " (exit code " + std::to_string(*attempt.exit_code) + ")";
  return why;
}

std::string MiB(int64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

std::string Tenths(double seconds) {
  const int64_t tenths = std::lround(seconds * 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

/// What the runner measured of the last attempt that has ended.
void AddMeasures(explain::Sheet& sheet, const Attempt& attempt) {
  if (attempt.peak_rss == 0 && attempt.phases.empty()) return;
  if (attempt.peak_rss > 0)
    sheet.Add(2, "attempt " + std::to_string(attempt.number) + " used " + Tenths(attempt.cpu_seconds) +
                     " of CPU and " + MiB(attempt.peak_rss) + "; it was silent for " +
                     Tenths(attempt.longest_silence) + " at most");
  for (const json& phase : attempt.phases)
    sheet.AddCut(4, Tenths(SecondsAt(phase, "seconds")) + "  " + TextAt(phase, "name"));
}

void AddVerdict(explain::Sheet& sheet, const char* what, const std::optional<ListedBuild>& build, Time now) {
  if (!build) return;
  std::string line = std::string(what) + (build->class_name.empty() ? "" : ": " + build->class_name);
  if (build->since)
    line += " for " + Span(now - *build->since) + " (since " + FormatTime(*build->since) + ")";
  if (!build->message.empty()) line += ": " + build->message;
  sheet.Add(2, line);
}

/// The last lines of a log, each made printable and cut to the width.
std::string LastLines(std::string_view log, size_t columns) {
  while (log.ends_with('\n')) log.remove_suffix(1);
  std::vector<std::string_view> lines;
  for (size_t end = log.size(); !log.empty() && lines.size() < kLogLines;) {
    const size_t begin = end == 0 ? std::string_view::npos : log.rfind('\n', end - 1);
    const size_t from = begin == std::string_view::npos ? 0 : begin + 1;
    lines.push_back(log.substr(from, end - from));
    if (from == 0) break;
    end = begin;
  }
  std::string text;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line)
    text += "  " + Fit(Printable(*line, kMostLine), columns - std::min<size_t>(columns, 2)) + "\n";
  return text;
}

std::string Indented(const std::string& text) {
  std::string out;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    out += (end == begin ? "" : "  ") + text.substr(begin, end - begin) + "\n";
  }
  return out;
}

}  // namespace

std::string EvidenceText(const EvidenceRecord& record) {
  const auto text = explain::Explain(record.evidence);
  if (!text) return Printable(record.evidence, kMostLine) + "\n";
  // What comes first explains most
  size_t lines = 0, at = 0;
  while (at < text->size() && lines < kEvidenceLines - 1) {
    at = text->find('\n', at) + 1;
    ++lines;
  }
  const auto left =
      static_cast<size_t>(std::count(text->begin() + static_cast<std::ptrdiff_t>(at), text->end(), '\n'));
  if (left <= 1) return *text;
  return text->substr(0, at) + "(" + std::to_string(left) + " more lines in ImageBatchRecord " +
         Printable(record.name, kMostLine) + ")\n";
}

std::string StoryText(const Story& story, const BatchStatus& batch, const Look& look, Time now) {
  explain::Sheet sheet(look.columns);
  sheet.Add(0, story.build.Whole() + " of " + story.batch + " in " + story.ns + ": " + StateOf(story, batch));
  if (!story.image.empty()) sheet.Add(2, "image: " + story.image);
  if (!story.needs.empty()) {
    std::string needs;
    for (const std::string& need : story.needs) needs += (needs.empty() ? "" : ", ") + need;
    sheet.Add(2, "needs its builds of: " + needs);
  }
  AddVerdict(sheet, "hung", story.hung, now);
  AddVerdict(sheet, "stalled", story.stalled, now);
  AddVerdict(sheet, "slow", story.slow, now);
  if (story.attempts.empty()) sheet.Add(2, "nothing of it has begun");
  std::string text = sheet.Text(SIZE_MAX);

  if (!story.attempts.empty()) {
    Table table({"ATTEMPT", "STATE", "STARTED", "TOOK", "NODE", "WHY"});
    const size_t first = story.attempts.size() - std::min(kMostShown, story.attempts.size());
    for (size_t i = first; i < story.attempts.size(); ++i) {
      const Attempt& one = story.attempts[i];
      table.Add(
          {std::to_string(one.number), one.state, When(one.started), Took(one, now), one.node, WhyOf(one)});
    }
    text += "\nAttempts\n" + table.Text(2, 0);
    if (first > 0) text += "  and " + std::to_string(first) + " earlier ones\n";
    explain::Sheet more(look.columns);
    const Attempt& last = story.attempts.back();
    if (!last.job.empty()) more.Add(2, "Job " + last.job + (last.pod.empty() ? "" : ", Pod " + last.pod));
    AddMeasures(more, last);
    text += more.Text(kMostShown);
  }
  if (!story.evidence.empty()) {
    const EvidenceRecord& last = story.evidence.back();
    text += "\nEvidence of attempt " + std::to_string(last.attempt) + "\n" + Indented(EvidenceText(last));
  }
  if (!story.log_from.empty())
    text += "\nEnd of the log (" + Printable(story.log_from, kMostLine) + ")\n" +
            LastLines(story.log, look.columns);
  return text;
}

}  // namespace imagebatch::cli
