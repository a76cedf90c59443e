#include "cli/view/status_text.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "cli/view/spans.h"
#include "cli/view/table.h"

namespace imagebatch::cli {
namespace {

constexpr size_t kMostName = 300, kMostMessage = 600;

std::string Number(int64_t number) { return std::to_string(number); }

std::string Age(const std::optional<Time>& since, Time now) { return since ? Span(now - *since) : ""; }

/// The colour that a state has on a terminal, as a parameter of SGR.
const char* ColourOf(const std::string& state) {
  if (state == "Complete") return "32";
  if (state == "Failed" || state == "Hung") return "31";
  if (state == "Stalled" || state == "Degraded" || state == "Suspended") return "33";
  return "36";
}

std::string Painted(const std::string& text, const char* colour, const Look& look) {
  return look.colour ? std::string("\x1b[").append(colour).append("m").append(text).append("\x1b[0m") : text;
}

std::string Line(size_t indent, const std::string& text, const Look& look) {
  return std::string(indent, ' ') +
         Fit(Printable(text, kMostMessage), look.columns - std::min(look.columns, indent)) + "\n";
}

/// `text` as one word of a shell: a name comes from a row, and people copy the command that has it.
std::string ShellWord(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_-./:@%+=,").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (std::all_of(text.begin(), text.end(), plain)) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

/// The line with the command that tells more of a build. It is never cut: people copy it.
std::string Ask(const char* command, const BatchStatus& batch, const ListedBuild& build) {
  const std::string words = std::string("imagebatch ") + command + " -n " + batch.ns + " " + batch.name + " ";
  return "      " + Printable(words, 2 * kMostName) +
         ShellWord(Printable(build.stage + "/" + build.name, kMostName)) + "\n";
}

std::string Title(const ListedBuild& build) {
  return Printable(build.stage + "/" + build.name, kMostName) +
         (build.attempt > 1 ? ", attempt " + Number(build.attempt) : "");
}

void AddFlagged(std::string& text, const char* title, int64_t all, const std::vector<ListedBuild>& builds,
                const char* command, const BatchStatus& batch, const Look& look, Time now, size_t most) {
  if (all == 0) return;
  text += "\n" + Painted(std::string(title) + ": " + Number(all), "1", look) + "\n";
  for (size_t i = 0; i < std::min(most, builds.size()); ++i) {
    const ListedBuild& build = builds[i];
    text +=
        Line(2,
             Title(build) + ": " + build.class_name + (build.since ? " for " + Age(build.since, now) : "") +
                 (build.node.empty() ? "" : " on " + build.node),
             look);
    if (!build.message.empty()) text += Line(6, build.message, look);
    text += Ask(command, batch, build);
  }
  const int64_t left = all - static_cast<int64_t>(std::min(most, builds.size()));
  if (left > 0) text += "  and " + Number(left) + " more\n";
}

void AddGroups(std::string& text, const BatchStatus& batch, const Look& look) {
  const auto hanging = std::count_if(batch.hang_groups.begin(), batch.hang_groups.end(),
                                     [](const HangGroupStatus& group) { return group.hanging > 0; });
  if (batch.hung < 2 || hanging == 0) return;
  text += "  Alike:\n";
  for (const HangGroupStatus& group : batch.hang_groups) {
    if (group.hanging > 0)
      text += Line(4, Number(group.hanging) + " of them: " + group.class_name + ": " + group.summary, look);
  }
}

void AddSlow(std::string& text, const BatchStatus& batch, const Look& look, Time now, size_t most) {
  if (batch.slow == 0) return;
  text += "\n" + Painted("Slow, but working: " + Number(batch.slow), "1", look) + "\n";
  for (size_t i = 0; i < std::min(most, batch.slow_builds.size()); ++i) {
    const ListedBuild& build = batch.slow_builds[i];
    const auto median = std::chrono::seconds(static_cast<int64_t>(build.median_seconds));
    text += Line(
        2, Title(build) + ": for " + Age(build.since, now) + "; the median of its stage is " + Span(median),
        look);
  }
}

void AddFailed(std::string& text, const BatchStatus& batch, const Look& look, size_t most) {
  if (batch.counts.failed == 0) return;
  text += "\n" + Painted("Failed: " + Number(batch.counts.failed), "1", look) + "\n";
  for (size_t i = 0; i < std::min(most, batch.failed_builds.size()); ++i) {
    const ListedBuild& build = batch.failed_builds[i];
    text += Line(2, Title(build) + ": " + build.reason + (build.message.empty() ? "" : ": " + build.message),
                 look);
    text += Ask("describe", batch, build);
  }
  const int64_t left = batch.counts.failed - static_cast<int64_t>(std::min(most, batch.failed_builds.size()));
  if (left > 0)
    text += Line(2, "and " + Number(left) + " more, with those that failed because one they need did", look);
}

std::string StageTable(const BatchStatus& batch, const Look& look) {
  Table table({"STAGE", "TOTAL", "WAITING", "QUEUED", "HELD", "PENDING", "RUNNING", "SUCCEEDED", "SKIPPED",
               "FAILED"});
  const auto add = [&](const std::string& name, const BuildCounts& counts) {
    table.Add({name, Number(counts.total), Number(counts.waiting), Number(counts.queued), Number(counts.held),
               Number(counts.pending), Number(counts.running), Number(counts.succeeded),
               Number(counts.skipped), Number(counts.failed)});
  };
  for (const StageStatus& stage : batch.stages) add(stage.name, stage.counts);
  if (batch.stages.size() != 1) add("all", batch.counts);
  return table.Text(0, look.columns);
}

}  // namespace

Look LookOf(const Console& console) {
  constexpr size_t kMostColumns = 160;  // beyond that lines are hard to read
  return {std::min<size_t>(kMostColumns, console.terminal() ? static_cast<size_t>(console.columns()) : 120),
          console.color()};
}

std::string StatusTable(const std::vector<BatchStatus>& batches, bool wide, bool namespaces, Time now) {
  std::vector<std::string> heading = {"NAME",    "STATUS", "TOTAL", "SUCCEEDED",
                                      "RUNNING", "FAILED", "HUNG",  "AGE"};
  if (namespaces) heading.insert(heading.begin(), "NAMESPACE");
  if (wide) heading.insert(heading.end(), {"SKIPPED", "STALLED", "REASON"});
  Table table(std::move(heading));
  for (const BatchStatus& batch : batches) {
    std::vector<std::string> row = {batch.name,
                                    batch.State(),
                                    Number(batch.counts.total),
                                    Number(batch.counts.succeeded),
                                    Number(batch.counts.running),
                                    Number(batch.counts.failed),
                                    Number(batch.hung),
                                    Age(batch.created, now)};
    if (namespaces) row.insert(row.begin(), batch.ns);
    if (wide) row.insert(row.end(), {Number(batch.counts.skipped), Number(batch.stalled), WhyText(batch)});
    table.Add(row);
  }
  return table.Text();
}

std::string ProgressBar(const BuildCounts& counts, size_t width) {
  const int64_t total = std::max<int64_t>(counts.total, 1);
  const int64_t done = std::clamp<int64_t>(counts.Done(), 0, total);
  const auto filled = static_cast<size_t>(done * static_cast<int64_t>(width) / total);
  return "[" + std::string(filled, '#') + std::string(width - filled, '-') + "] " +
         Number(done * 100 / total) + "%";
}

std::string EstimateText(const BatchStatus& batch, Time now) {
  if (!batch.likely || batch.completed || batch.Finished()) return "";
  std::string text = "ends about " + FormatTime(*batch.likely) + " (in " + Span(*batch.likely - now);
  if (batch.earliest && batch.latest)
    text += "; between " + Span(*batch.earliest - now) + " and " + Span(*batch.latest - now);
  return text + ")";
}

std::string WhyText(const BatchStatus& batch) {
  if (!batch.current && !batch.Condition("Ready").reason.empty())
    return "the controller has not yet seen the latest change of the spec";
  if (batch.conditions.empty()) return "the controller has not looked at the batch yet; is it running?";
  return Printable(batch.Condition("Ready").message, kMostMessage);
}

std::string StatusLine(const BatchStatus& batch, Time now) {
  const BuildCounts& counts = batch.counts;
  std::string line = batch.name + ": " + batch.State() + ", " + Number(counts.Done()) + " of " +
                     Number(counts.total) + " done, " + Number(counts.running) + " running, " +
                     Number(counts.failed) + " failed, " + Number(batch.hung) + " hung";
  if (batch.stalled > 0) line += ", " + Number(batch.stalled) + " stalled";
  if (const std::string estimate = EstimateText(batch, now); !estimate.empty()) line += "; " + estimate;
  return Printable(line, kMostMessage);
}

std::string StatusDetail(const BatchStatus& batch, const Look& look, Time now, size_t most) {
  const size_t bar = std::clamp<size_t>(look.columns / 2, 10, 40) - 8;
  const std::string state = batch.State();
  const Time end = batch.completed.value_or(now);
  std::string text = Printable(batch.name + " in " + batch.ns, kMostName) + ": " +
                     Painted(Printable(state, kMostName), ColourOf(state), look);
  if (batch.started) text += std::string(batch.completed ? ", took " : ", for ") + Span(end - *batch.started);
  text += "\n";
  // The counts below say the same of a batch that runs
  if (const std::string why = WhyText(batch); !why.empty() && (state != "Running" || !batch.current))
    text += Line(2, why, look);
  if (const ConditionStatus degraded = batch.Condition("Degraded"); degraded.holds && state != "Degraded")
    text += Line(2, "Degraded: " + degraded.reason + ": " + degraded.message, look);
  if (!batch.rerun.empty()) text += Line(2, "run again: " + batch.rerun, look);
  if (batch.counts.total > 0) {
    const std::string estimate = EstimateText(batch, now);
    text += Line(0, ProgressBar(batch.counts, bar) + (estimate.empty() ? "" : "  " + estimate), look) + "\n";
    text += StageTable(batch, look);
  }
  AddFlagged(text, "Hung", batch.hung, batch.hung_builds, "evidence", batch, look, now, most);
  AddGroups(text, batch, look);
  AddFlagged(text, "Stalled", batch.stalled, batch.stalled_builds, "describe", batch, look, now, most);
  AddSlow(text, batch, look, now, most);
  AddFailed(text, batch, look, most);
  return text;
}

}  // namespace imagebatch::cli
