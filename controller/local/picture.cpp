#include "local/picture.h"

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "plan/plan.h"

namespace imagebatch::local {
namespace {

using plan::State;

constexpr size_t kStages = 5, kHung = 3, kBar = 40;

plan::Counts Total(const cluster::Summary& summary) {
  plan::Counts total;
  for (const plan::Counts& counts : summary.counts)
    for (size_t i = 0; i < plan::kStates; ++i) total.by_state[i] += counts.by_state[i];
  return total;
}

int64_t Good(const plan::Counts& counts) { return counts[State::Succeeded] + counts[State::Skipped]; }

std::string Number(int64_t number, const char* word) { return std::to_string(number) + " " + word; }

std::string Left(const View& view) {
  const auto& end = view.summary.end;
  if (!end) return "";
  const auto until = [&](Time time) {
    return Span(std::max(0.0, UnixSeconds(time) - UnixSeconds(view.now)));
  };
  return "about " + until(end->likely) + " left (" + until(end->earliest) + " to " + until(end->latest) + ")";
}

std::string Counts(const View& view) {
  const plan::Counts total = Total(view.summary);
  const int64_t all = total.Total();
  const int64_t running = total[State::Running] + total[State::Pending] - view.summary.hung;
  std::string text = Number(total[State::Succeeded], "of ") + std::to_string(all) + " built";
  if (total[State::Skipped] > 0) text += ", " + Number(total[State::Skipped], "skipped");
  if (total[State::Failed] > 0) text += ", " + Number(total[State::Failed], "failed");
  if (view.summary.hung > 0) text += ", " + Number(view.summary.hung, "hung");
  text += ", " + Number(std::max<int64_t>(running, 0), "running");
  return text + ", " + Number(total[State::Waiting] + total[State::Queued] + total[State::Held], "to do");
}

std::string Bar(const plan::Counts& total) {
  const auto all = std::max<int64_t>(total.Total(), 1);
  const auto part = [&](int64_t count) {
    return static_cast<size_t>(count * static_cast<int64_t>(kBar) / all);
  };
  const size_t good = part(Good(total)), done = part(Good(total) + total[State::Failed]);
  std::string bar = std::string(good, '#') + std::string(done - good, 'x');
  if (bar.size() < kBar) bar += '>';
  bar.resize(kBar, '-');
  const int64_t percent = (Good(total) + total[State::Failed]) * 100 / all;
  return "[" + bar + "] " + std::to_string(percent) + " %";
}

}  // namespace

std::string Span(double seconds) {
  char text[32];
  if (seconds < 100) {
    snprintf(text, sizeof text, "%.0f s", seconds);
  } else if (seconds < 100 * 60) {
    snprintf(text, sizeof text, "%.0f min", seconds / 60);
  } else {
    snprintf(text, sizeof text, "%.1f h", seconds / 3600);
  }
  return text;
}

std::string CountsLine(const View& view) {
  const std::string left = Left(view);
  return left.empty() ? Counts(view) : Counts(view) + "; " + left;
}

std::vector<PictureLine> Picture(const View& view, size_t columns) {
  const cluster::Summary& summary = view.summary;
  const plan::Counts total = Total(summary);
  std::vector<PictureLine> lines;
  const auto add = [&](const std::string& text, std::optional<cli::Style> style = {}) {
    lines.push_back({Cut(text, columns > 1 ? columns - 1 : 1), style});
  };
  add(view.batch + ": " + Counts(view), cli::Style::Bold);
  const std::string left = Left(view);
  add(Bar(total) + (left.empty() ? "" : "  " + left),
      total[State::Failed] > 0 ? cli::Style::Bad : cli::Style::Good);
  for (size_t stage = 0; summary.stages.size() > 1 && stage < std::min(summary.stages.size(), kStages);
       ++stage) {
    const plan::Counts& counts = summary.counts[stage];
    std::string text =
        "  " + summary.stages[stage] + ": " + Number(Good(counts), "of ") + std::to_string(counts.Total());
    if (counts[State::Failed] > 0) text += ", " + Number(counts[State::Failed], "failed");
    if (counts[State::Running] > 0) text += ", " + Number(counts[State::Running], "running");
    if (summary.slow[stage] > 0) text += ", " + Number(summary.slow[stage], "slow");
    add(text);
  }
  size_t shown = 0;
  for (const cluster::FlaggedEntry& hung : summary.hung_builds) {
    if (shown++ == kHung) break;
    const double since = std::max(0.0, UnixSeconds(view.now) - UnixSeconds(hung.since));
    add("HUNG " + hung.stage + "/" + Printable(hung.name, 100) + " (" + hung.class_name + ") for " +
            Span(since) + ": " + Printable(hung.message, 300),
        cli::Style::Bad);
    add("     look: imagebatch-runner explain " + view.root + "/" + hung.evidence.record);
  }
  const int64_t more = summary.hung - static_cast<int64_t>(kHung);
  if (more > 0) add("     and " + Number(more, "more that hang"));
  return lines;
}

}  // namespace imagebatch::local
