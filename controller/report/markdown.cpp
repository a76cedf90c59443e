#include "report/markdown.h"

#include <algorithm>

#include "base/counted.h"
#include "report/summary.h"
#include "report/words.h"

namespace imagebatch::report {
namespace {

constexpr size_t kNameLimit = 120, kErrorLimit = 300, kGroups = 20, kNamesOfGroup = 5, kFailures = 50;

std::string Shown(const std::string& text, size_t limit) { return Markdown(OneLine(text, limit)); }

std::string NameOf(const Build& build) {
  return Shown(build.stage.empty() ? build.name : build.stage + "/" + build.name, kNameLimit);
}

std::string Names(const Report& report, const Group& group) {
  std::string names;
  for (size_t i = 0; i < std::min(group.builds.size(), kNamesOfGroup); ++i)
    names += (i == 0 ? "" : ", ") + NameOf(report.builds[group.builds[i]]);
  const size_t more = group.builds.size() - std::min(group.builds.size(), kNamesOfGroup);
  return more == 0 ? names : names + " and " + std::to_string(more) + " more";
}

void AddCounts(std::string& text, const Report& report, const Summary& summary) {
  text += "| builds | built | skipped | failed | hung | retried |";
  text += report.unfinished > 0 ? " unfinished |\n|--:|--:|--:|--:|--:|--:|--:|\n"
                                : "\n|--:|--:|--:|--:|--:|--:|\n";
  for (const size_t count : {report.Total(), report.Count(Status::Built), report.Count(Status::Skipped),
                             report.Count(Status::Failed), report.HungBuilds(), report.Retried()})
    text += "| " + std::to_string(count) + " ";
  if (report.unfinished > 0) text += "| " + std::to_string(report.unfinished) + " ";
  text += "|\n\nWall clock " + Span(summary.wall_clock) + ", all builds together " +
          Span(summary.durations.cumulative) + ".\n";
}

void AddStages(std::string& text, const Summary& summary) {
  text +=
      "\n### Stages\n\n| stage | builds | built | skipped | failed | mean | median | max | together |\n"
      "|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";
  size_t shown = 0;
  for (const StageSummary& stage : summary.stages) {
    if (shown++ == kGroups) break;
    text += "| " + Shown(stage.stage, kNameLimit);
    for (const size_t count : {stage.total, stage.built, stage.skipped, stage.failed})
      text += " | " + std::to_string(count);
    const Durations& durations = stage.durations;
    text += " | " + Span(durations.mean) + " | " + Span(durations.median) + " | " + Span(durations.longest) +
            " | " + Span(durations.cumulative) + " |\n";
  }
}

void AddGroups(std::string& text, const std::string& title, const std::vector<Group>& groups,
               const Report& report) {
  if (groups.empty()) return;
  text += "\n### " + title + "\n\n| builds | what | which |\n|--:|---|---|\n";
  for (size_t i = 0; i < std::min(groups.size(), kGroups); ++i) {
    const Group& group = groups[i];
    text += "| " + std::to_string(group.builds.size()) + " | **" + Shown(group.title, kNameLimit) + "** " +
            Shown(group.detail, kErrorLimit) + " | " + Names(report, group) + " |\n";
  }
  if (groups.size() > kGroups) text += "\nand " + Counted(groups.size() - kGroups, "more group") + "\n";
}

void AddFailures(std::string& text, const Report& report) {
  const size_t failed = report.Count(Status::Failed);
  if (failed == 0) return;
  text += "\n<details><summary>" + Counted(failed, "build") + " failed</summary>\n\n";
  size_t shown = 0;
  for (const Build& build : report.builds) {
    if (build.status != Status::Failed) continue;
    if (shown++ == kFailures) break;
    text += "- " + NameOf(build) + ": " + Shown(build.error, kErrorLimit) +
            " (attempts: " + std::to_string(build.AttemptCount()) + ")\n";
  }
  if (failed > kFailures) text += "- and " + std::to_string(failed - kFailures) + " more\n";
  text += "\n</details>\n";
}

}  // namespace

std::string MarkdownReport(const Report& report) {
  const Summary summary = Summarize(report);
  std::string text = "## Batch " + Shown(report.batch, kNameLimit) + "\n\n";
  AddCounts(text, report, summary);
  AddGroups(text, "Hangs", report.hangs, report);
  AddGroups(text, "Failures", report.failures, report);
  AddStages(text, summary);
  if (!summary.slowest.empty()) text += "\n### Slowest\n\n";
  for (const size_t i : summary.slowest) {
    text += "- " + NameOf(report.builds[i]) + ": " + Span(report.builds[i].Seconds()) +
            " (attempts: " + std::to_string(report.builds[i].AttemptCount()) + ")\n";
  }
  AddFailures(text, report);
  return text;
}

}  // namespace imagebatch::report
