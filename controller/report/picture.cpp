#include "report/picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <queue>
#include <set>

#include "base/counted.h"
#include "report/words.h"

namespace imagebatch::report {
namespace {

constexpr size_t kNamed = 40;      // builds at most that each have a lane with its name
constexpr double kStageRoom = 22;  // pixels above the lanes of a stage
constexpr double kAxisRoom = 24;   // below all
constexpr int64_t kUnits = 20000;  // across the picture
constexpr size_t kMarks = 300;     // of a kind; more would hide the bars

int64_t Millis(Time time) { return time.time_since_epoch().count(); }

/// When a build ran: [begin, end]; nothing where that is not known.
std::optional<std::pair<int64_t, int64_t>> SpanOf(const Build& build) {
  const auto started = build.Started(), finished = build.Finished();
  if (!started) return std::nullopt;
  const int64_t begin = Millis(*started);
  return std::make_pair(begin, finished ? std::max(begin, Millis(*finished)) : begin);
}

/// Gives each bar of [first, last), which are sorted by their begin, the topmost lane that is free from then
/// on; how many lanes that takes.
size_t Pack(std::vector<Bar>& bars, size_t first, size_t last, size_t first_lane) {
  using Busy = std::pair<int64_t, size_t>;  // until, lane
  std::priority_queue<Busy, std::vector<Busy>, std::greater<>> busy;
  std::set<size_t> free;
  size_t lanes = 0;
  for (size_t i = first; i < last; ++i) {
    while (!busy.empty() && busy.top().first <= bars[i].begin) {
      free.insert(busy.top().second);
      busy.pop();
    }
    if (free.empty()) free.insert(lanes++);
    const size_t lane = *free.begin();
    free.erase(free.begin());
    bars[i].lane = first_lane + lane;
    busy.emplace(bars[i].begin + std::max<int64_t>(bars[i].length, 1), lane);
  }
  return lanes;
}

std::string Number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  std::string number = text.data();
  while (number.back() == '0') number.pop_back();
  if (number.back() == '.') number.pop_back();
  return number;
}

class Drawing {
 public:
  Drawing(const Report& report, const Picture& picture) : report_(report), picture_(picture) {
    for (const Bar& bar : picture.bars) Add(bar);
  }

  std::string Take() {
    const std::string height = Number(picture_.Height());
    std::string svg = "<svg id=\"picture\" width=\"100%\" height=\"" + height +
                      "\" role=\"img\" aria-label=\"" + Label() + "\"><defs>" + Marks() + "</defs>";
    AddAxis(svg);
    svg += "<svg width=\"100%\" height=\"" + height + "\" viewBox=\"0 0 " + std::to_string(kUnits) + " " +
           height + "\" preserveAspectRatio=\"none\" stroke-width=\"" + Number(Thickness()) + "\">";
    for (size_t kind = 0; kind < kPaths.size(); ++kind) {
      if (!paths_[kind].empty())
        svg += std::string("<path class=\"") + kPaths[kind] + "\" d=\"" + paths_[kind] + "\"/>";
    }
    svg += "</svg>";
    AddStages(svg);
    if (failed_ <= kMarks) svg += crosses_;
    if (hung_ <= kMarks) svg += flags_;
    svg += names_;
    return svg + "<rect id=\"chosen\" width=\"0\" height=\"0\"/></svg>\n";
  }

 private:
  enum Kind : size_t { Wait, Built, Skipped, Failed, Tried, Hung };
  static constexpr std::array<const char*, 6> kPaths{"wait", "built", "skipped", "failed", "tried", "hung"};

  double Thickness() const {
    const double pitch = picture_.Pitch();
    return pitch >= 12 ? pitch - 4 : pitch >= 4 ? pitch - 1 : pitch >= 2 ? pitch - 0.5 : pitch;
  }

  /// Those of failures and of hangs; smaller where there are many lanes.
  const char* Marks() const {
    return picture_.Pitch() < 6
               ? "<path id=\"x\" d=\"M-2-2L2 2M-2 2L2-2\"/><path id=\"h\" d=\"M0-5L4 3H-4z\"/>"
               : "<path id=\"x\" d=\"M-3-3L3 3M-3 3L3-3\"/><path id=\"h\" d=\"M0-7L6 4H-6z\"/>";
  }

  std::string Label() const {
    return "The batch over time: " + Counted(picture_.bars.size(), "build") + ", " +
           std::to_string(report_.Count(Status::Failed)) + " failed, " +
           std::to_string(report_.HungBuilds()) + " hung. The list of all builds below says the same.";
  }

  int64_t UnitOf(int64_t millis) const {
    const double at = static_cast<double>(millis) / static_cast<double>(picture_.length);
    return std::clamp<int64_t>(std::llround(at * static_cast<double>(kUnits)), 0, kUnits);
  }

  std::string Percent(int64_t millis) const {
    const double at = static_cast<double>(millis) / static_cast<double>(picture_.length);
    return Number(std::clamp(at, 0.0, 1.0) * 100) + "%";
  }

  void AddLine(Kind kind, double y, int64_t from, int64_t to) {
    const int64_t begin = std::min(UnitOf(from), kUnits - 12);
    const int64_t width = std::max<int64_t>(UnitOf(to) - begin, 12);  // else nobody would see it
    paths_[kind] += "M" + std::to_string(begin) + " " + Number(y) + "h" + std::to_string(width);
  }

  void Add(const Bar& bar) {
    const Build& build = report_.builds[bar.build];
    const double y = picture_.Middle(bar.lane);
    const int64_t start = Millis(picture_.start);
    if (build.attempts.size() > 1) AddLine(Wait, y, bar.begin, bar.begin + bar.length);
    for (const Attempt& attempt : build.attempts) {
      if (!attempt.started) continue;
      const int64_t from = Millis(*attempt.started) - start;
      const int64_t to = attempt.finished ? Millis(*attempt.finished) - start : from;
      const bool last = &attempt == build.Last();
      const Kind kind = !last                             ? Tried
                        : build.status == Status::Built   ? Built
                        : build.status == Status::Skipped ? Skipped
                                                          : Failed;
      AddLine(kind, y, from, to);
      if (attempt.hang_class.empty()) continue;
      const int64_t since = attempt.hung_since
                                ? std::clamp(Millis(*attempt.hung_since) - start, from, std::max(from, to))
                                : from;
      AddLine(Hung, y, since, to);
      ++hung_;
      AddMark(flags_, "h", since, y);
    }
    if (build.status == Status::Failed) {
      ++failed_;
      AddMark(crosses_, "x", bar.begin + bar.length, y);
    }
    if (picture_.named) AddName(build, bar, y);
  }

  void AddMark(std::string& marks, const char* what, int64_t millis, double y) const {
    marks += std::string("<use href=\"#") + what + "\" class=\"mark-" + what + "\" x=\"" + Percent(millis) +
             "\" y=\"" + Number(y) + "\"/>";
  }

  /// Beside the bar, or on it where there is no room on either side.
  void AddName(const Build& build, const Bar& bar, double y) {
    const int64_t before = bar.begin, after = picture_.length - bar.begin - bar.length;
    const bool on = std::max(before, after) < picture_.length / 3, left = !on && before > after;
    names_ += "<text class=\"name" + std::string(left ? " before" : "") + "\" x=\"" +
              Percent(on || left ? bar.begin : bar.begin + bar.length) + "\" y=\"" + Number(y + 4) +
              "\" dx=\"" + (left ? "-10" : "10") + "\">" + Html(OneLine(build.name, 40)) + "</text>";
  }

  void AddStages(std::string& svg) const {
    for (size_t stage = 0; stage < report_.stages.size(); ++stage) {
      const double top = picture_.Middle(picture_.first_lanes[stage]) - picture_.Pitch() / 2;
      const std::string& name = report_.stages[stage];
      svg += "<text class=\"stage\" x=\"0\" y=\"" + Number(top - 7) + "\">" +
             Html(name.empty() ? "builds" : OneLine(name, 60)) + "</text>";
    }
  }

  void AddAxis(std::string& svg) const {
    constexpr std::array<int64_t, 16> kSteps{1,   5,    10,   30,   60,    120,   300,   600,
                                             900, 1800, 3600, 7200, 14400, 43200, 86400, 604800};
    const int64_t seconds = picture_.length / 1000;
    int64_t step = kSteps.back() * (1 + seconds / kSteps.back() / 5);
    for (const int64_t one : kSteps) {
      if (seconds / one > 6) continue;
      step = one;
      break;
    }
    const double bottom = picture_.Height() - kAxisRoom;
    for (int64_t at = 0; at <= seconds; at += step) {
      const std::string x = Percent(at * 1000);
      const bool last = at > 0 && at * 1000 > picture_.length * 24 / 25;
      svg += "<line class=\"tick\" x1=\"" + x + "\" x2=\"" + x + "\" y1=\"0\" y2=\"" + Number(bottom + 4) +
             "\"/>";
      svg += "<text class=\"time" +
             std::string(at == 0 ? " first"
                         : last  ? " last"
                                 : "") +
             "\" x=\"" + x + "\" y=\"" + Number(bottom + 18) + "\">" + TickName(at) + "</text>";
    }
  }

  static std::string TickName(int64_t seconds) {
    if (seconds == 0) return "0";
    if (seconds % 86400 == 0) return std::to_string(seconds / 86400) + " d";
    if (seconds % 3600 == 0) return std::to_string(seconds / 3600) + " h";
    if (seconds > 3600) return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60);
    if (seconds % 60 == 0) return std::to_string(seconds / 60) + " min";
    return std::to_string(seconds) + " s";
  }

  const Report& report_;
  const Picture& picture_;
  std::array<std::string, kPaths.size()> paths_;
  std::string crosses_, flags_, names_;
  size_t failed_ = 0, hung_ = 0;
};

}  // namespace

double Picture::Pitch() const {
  if (named || lanes <= 20) return 22;
  constexpr double kTall = 480;
  return std::max(lanes > 800 ? 1.0 : 2.0, std::floor(kTall / static_cast<double>(lanes)));
}

double Picture::Height() const {
  return Pitch() * static_cast<double>(lanes) + kStageRoom * static_cast<double>(first_lanes.size()) +
         kAxisRoom;
}

double Picture::Middle(size_t lane) const {
  const auto after = std::upper_bound(first_lanes.begin(), first_lanes.end(), lane);
  const auto stages = static_cast<double>(after - first_lanes.begin());
  return Pitch() * (static_cast<double>(lane) + 0.5) + kStageRoom * stages;
}

Picture Draw(const Report& report) {
  Picture picture;
  int64_t first = INT64_MAX, last = INT64_MIN;
  for (size_t i = 0; i < report.builds.size(); ++i) {
    const auto span = SpanOf(report.builds[i]);
    if (!span) continue;
    first = std::min(first, span->first);
    last = std::max(last, span->second);
    picture.bars.push_back({i, 0, span->first, span->second - span->first});
  }
  if (picture.bars.empty()) first = last = 0;
  picture.start = Time(std::chrono::milliseconds(first));
  picture.length = std::max<int64_t>(last - first, 1);
  for (Bar& bar : picture.bars) bar.begin -= first;
  picture.named = picture.bars.size() <= kNamed;
  size_t next = 0;
  for (const std::string& stage : report.stages) {
    picture.first_lanes.push_back(picture.lanes);
    const size_t begin = next;
    while (next < picture.bars.size() && report.builds[picture.bars[next].build].stage == stage) ++next;
    if (picture.named) {
      for (size_t i = begin; i < next; ++i) picture.bars[i].lane = picture.lanes + i - begin;
      picture.lanes += next - begin;
    } else {
      picture.lanes += Pack(picture.bars, begin, next, picture.lanes);
    }
  }
  return picture;
}

std::string Svg(const Report& report, const Picture& picture) { return Drawing(report, picture).Take(); }

}  // namespace imagebatch::report
