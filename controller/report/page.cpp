#include "report/page.h"

#include <algorithm>

#include "base/base64.h"
#include "base/counted.h"
#include "explain/explain.h"
#include "report/page_data.h"
#include "report/page_parts.h"
#include "report/picture.h"
#include "report/summary.h"
#include "report/words.h"

namespace imagebatch::report {
namespace {

/// Room for all but the script, which comes after the list.
constexpr size_t kMostBytes = 1'030'000;
constexpr size_t kNameLimit = 120, kDetailLimit = 600, kGroups = 30, kNamesOfGroup = 6, kStages = 100;

std::string Shown(const std::string& text, size_t limit) { return Html(OneLine(text, limit)); }

/// As Content-Security-Policy names a script: from its SHA-256 in hexadecimal.
std::string HashSource(std::string_view hex) {
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  return "'sha256-" + EncodeBase64(bytes) + "'";
}

class Page {
 public:
  Page(const Report& report, const std::map<std::string, std::string>& evidence)
      : report_(report), evidence_(evidence), summary_(Summarize(report)), picture_(Draw(report)) {}

  std::string Take() {
    AddHead();
    AddCounts();
    AddPicture();
    AddHangs();
    AddFailures();
    AddStages();
    AddSlowest();
    AddList();
    return std::move(out_);
  }

 private:
  std::string Title() const {
    return report_.batch.empty() ? "Batch" : "Batch " + Shown(report_.batch, kNameLimit);
  }

  void AddHead() {
    out_ =
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; "
        "form-action 'none'; "
        "style-src " +
        HashSource(page_parts::kStyleSha256) + "; script-src " + HashSource(page_parts::kScriptSha256) +
        "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" "
        "content=\"no-referrer\">\n<title>" +
        Title() + ": " + Headline() + "</title>\n<style>";
    out_ += page_parts::kStyle;
    out_ += "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>" + Title() + "</h1>\n<p class=\"headline\">" +
            Headline() + "</p>\n";
    if (summary_.started && summary_.finished) {
      out_ += "<p class=\"quiet\">" + Clock(*summary_.started) + " to " + Clock(*summary_.finished) +
              " UTC, " + Span(summary_.wall_clock) + "; all builds together " +
              Span(summary_.durations.cumulative) + "; median of the built " +
              Span(summary_.durations.median) + "</p>\n";
    }
    out_ += "</header>\n";
  }

  static std::string Clock(Time time) {
    const std::string text = FormatTime(time);
    return text.substr(0, 10) + " " + text.substr(11, 8);
  }

  std::string Headline() const {
    const size_t failed = report_.Count(Status::Failed), hung = report_.HungBuilds(), total = report_.Total();
    if (total == 0) return "no builds";
    std::string text = std::to_string(failed) + " of " + Counted(total, "build") + " failed";
    if (report_.unfinished > 0) {
      text = std::to_string(report_.builds.size()) + " of " + Counted(total, "build") + " finished, " +
             std::to_string(failed) + " failed";
    } else if (failed == 0) {
      text = total == 1 ? "the build succeeded" : "all " + std::to_string(total) + " builds succeeded";
    }
    return hung == 0 ? text : text + ", " + std::to_string(hung) + " hung";
  }

  void AddCount(const char* name, const char* kind, size_t count) {
    out_ += std::string("<div class=\"count ") + kind + (count == 0 ? " none" : "") + "\"><dt>" + name +
            "</dt><dd>" + std::to_string(count) + "</dd></div>\n";
  }

  void AddCounts() {
    out_ += "<dl class=\"counts\">\n";
    AddCount("builds", "all", report_.Total());
    AddCount("built", "built", report_.Count(Status::Built));
    AddCount("skipped", "skipped", report_.Count(Status::Skipped));
    AddCount("failed", "failed", report_.Count(Status::Failed));
    AddCount("hung", "hung", report_.HungBuilds());
    AddCount("retried", "tried", report_.Retried());
    if (report_.unfinished > 0) AddCount("unfinished", "wait", report_.unfinished);
    out_ += "</dl>\n";
  }

  void AddPicture() {
    if (picture_.bars.empty()) return;
    out_ +=
        "<section aria-labelledby=\"over-time\">\n<div class=\"bar\"><h2 id=\"over-time\">Over time</h2>\n"
        "<p class=\"legend\"><span class=\"built\">built</span> <span class=\"failed\">failed</span> "
        "<span class=\"hung\">hung</span> <span class=\"tried\">earlier attempt</span> "
        "<span class=\"skipped\">skipped</span></p>\n"
        "<p class=\"zoom\" id=\"zoom\" hidden><button type=\"button\" id=\"out\" aria-label=\"zoom "
        "out\">&minus;</button>"
        "<button type=\"button\" id=\"in\" aria-label=\"zoom in\">+</button></p></div>\n"
        "<div id=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"The batch over time; arrow keys "
        "choose a build, plus "
        "and minus zoom\">\n" +
        Svg(report_, picture_) + "</div>\n<p id=\"detail\" role=\"status\">" + Caption() +
        "</p>\n</section>\n";
  }

  std::string Caption() const {
    std::string text = picture_.named ? "One bar for each build."
                                      : "One bar for each build, in as many lanes as ran at once.";
    const size_t without = report_.builds.size() - picture_.bars.size();
    if (without > 0)
      text += " " + Counted(without, "build") +
              (without == 1 ? " never ran and has none." : " never ran and have none.");
    return text;
  }

  /// The builds of a group, as buttons that show them in the picture.
  void AddNames(const Group& group) {
    out_ += "<p class=\"names\">";
    for (size_t i = 0; i < std::min(group.builds.size(), kNamesOfGroup); ++i) {
      const Build& build = report_.builds[group.builds[i]];
      out_ += std::string(i == 0 ? "" : " ") + "<button type=\"button\" data-build=\"" +
              std::to_string(group.builds[i]) + "\">" +
              Shown(build.stage.empty() ? build.name : build.stage + "/" + build.name, kNameLimit) +
              "</button>";
    }
    if (group.builds.size() > kNamesOfGroup)
      out_ += " and " + std::to_string(group.builds.size() - kNamesOfGroup) + " more";
    out_ += "</p>\n";
  }

  void AddGroup(const Group& group, const char* kind) {
    out_ += std::string("<article class=\"group ") + kind + "\">\n<h3><span class=\"many\">" +
            Counted(group.builds.size(), "build") + "</span> " + Shown(group.title, kNameLimit) + "</h3>\n";
    if (!group.detail.empty()) out_ += "<p class=\"detail\">" + Shown(group.detail, kDetailLimit) + "</p>\n";
    AddNames(group);
  }

  void AddEvidence(const Group& group) {
    const auto found = std::find_if(group.evidence_records.begin(), group.evidence_records.end(),
                                    [&](const std::string& record) { return evidence_.contains(record); });
    if (found == group.evidence_records.end()) return;
    const auto text = explain::Explain(evidence_.at(*found));
    if (!text) return;
    out_ += "<details><summary>Evidence of one of them</summary>\n<pre tabindex=\"0\">" +
            Html(ManyLines(*text, kEvidenceBytes)) + "</pre>\n<p class=\"quiet\">from " + Shown(*found, 300) +
            "</p></details>\n";
  }

  void AddMore(size_t groups) {
    if (groups > kGroups)
      out_ += "<p class=\"quiet\">and " + Counted(groups - kGroups, "more group") + "</p>\n";
  }

  void AddHangs() {
    if (report_.hangs.empty()) return;
    out_ += "<section aria-labelledby=\"hangs\">\n<h2 id=\"hangs\">Hangs</h2>\n";
    for (size_t i = 0; i < std::min(report_.hangs.size(), kGroups); ++i) {
      AddGroup(report_.hangs[i], "hung");
      if (i < kEvidenceGroups) AddEvidence(report_.hangs[i]);
      out_ += "</article>\n";
    }
    AddMore(report_.hangs.size());
    out_ += "</section>\n";
  }

  void AddFailures() {
    if (report_.failures.empty()) return;
    out_ += "<section aria-labelledby=\"failures\">\n<h2 id=\"failures\">Failures</h2>\n";
    for (size_t i = 0; i < std::min(report_.failures.size(), kGroups); ++i) {
      AddGroup(report_.failures[i], "failed");
      out_ += "</article>\n";
    }
    AddMore(report_.failures.size());
    out_ += "</section>\n";
  }

  void AddStages() {
    if (summary_.stages.empty()) return;
    out_ +=
        "<section aria-labelledby=\"stages\">\n<h2 id=\"stages\">Stages</h2>\n<div "
        "class=\"wide\"><table>\n<thead><tr>"
        "<th scope=\"col\">stage</th><th scope=\"col\">built</th><th scope=\"col\">skipped</th><th "
        "scope=\"col\">failed</th>"
        "<th scope=\"col\">mean</th><th scope=\"col\">median</th><th scope=\"col\">max</th><th "
        "scope=\"col\">together</th>"
        "</tr></thead>\n<tbody>\n";
    for (size_t i = 0; i < std::min(summary_.stages.size(), kStages); ++i) {
      const StageSummary& stage = summary_.stages[i];
      out_ += "<tr><th scope=\"row\">" + Shown(stage.stage, kNameLimit) + "</th>";
      for (const size_t count : {stage.built, stage.skipped, stage.failed})
        out_ += "<td>" + std::to_string(count) + "</td>";
      const Durations& durations = stage.durations;
      for (const auto& seconds :
           {durations.mean, durations.median, durations.longest, std::optional(durations.cumulative)})
        out_ += "<td>" + Span(seconds) + "</td>";
      out_ += "</tr>\n";
    }
    out_ += "</tbody></table></div>\n</section>\n";
  }

  void AddSlowest() {
    if (summary_.slowest.empty()) return;
    out_ +=
        "<section aria-labelledby=\"slowest\">\n<h2 id=\"slowest\">Slowest</h2>\n<ol class=\"slowest\">\n";
    for (const size_t i : summary_.slowest) {
      const Build& build = report_.builds[i];
      out_ += "<li><button type=\"button\" data-build=\"" + std::to_string(i) + "\">" +
              Shown(build.stage.empty() ? build.name : build.stage + "/" + build.name, kNameLimit) +
              "</button> " + Span(build.Seconds()) +
              (build.AttemptCount() > 1 ? ", " + Counted(static_cast<size_t>(build.AttemptCount()), "attempt")
                                        : "") +
              "</li>\n";
    }
    out_ += "</ol>\n</section>\n";
  }

  void AddList() {
    out_ +=
        "<section aria-labelledby=\"all\">\n<h2 id=\"all\">All builds</h2>\n"
        "<noscript><p>The list needs scripts. <code>imagebatch report -o jsonl</code> has the "
        "same.</p></noscript>\n"
        "<div id=\"list\"></div>\n</section>\n</main>\n<script type=\"application/json\" id=\"data\">";
    const size_t taken = out_.size() + page_parts::kScript.size();
    const size_t room = kMostBytes - std::min(taken, kMostBytes);
    out_ += JsonForHtml(PageData(report_, picture_, room));
    out_ += "</script>\n<script>";
    out_ += page_parts::kScript;
    out_ += "</script>\n</body>\n</html>\n";
  }

  const Report& report_;
  const std::map<std::string, std::string>& evidence_;
  Summary summary_;
  Picture picture_;
  std::string out_;
};

}  // namespace

std::string HtmlPage(const Report& report, const std::map<std::string, std::string>& evidence) {
  return Page(report, evidence).Take();
}

}  // namespace imagebatch::report
