#include "report/page_data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/words.h"

namespace imagebatch::report {
namespace {

using nlohmann::json;

constexpr size_t kReasons = 200, kReasonBytes = 200;

/// How many bytes a text takes in the page.
size_t Weight(std::string_view text) { return JsonForHtml(JsonEscape(text)).size(); }

/// At most `limit` bytes in the page, however many of its characters have to be escaped.
std::string Fit(const std::string& text, size_t limit) {
  std::string fit = OneLine(text, limit);
  for (size_t size = fit.size(); Weight(fit) > limit && size > 4; size = size * 3 / 4) fit = Cut(fit, size);
  return fit;
}

int OutcomeOf(const Build& build) {
  if (build.status != Status::Failed) return build.status == Status::Built ? 0 : 1;
  return build.Last() != nullptr && build.Hung() == build.Last() ? 3 : 2;
}

int64_t Tenths(int64_t millis) { return (millis + 50) / 100; }

/// The number of the group that each build is in; -1: none. Beyond kReasons groups, those that come last have
/// none.
std::vector<int> NumbersOf(const std::vector<Group>& groups, size_t builds) {
  std::vector<int> numbers(builds, -1);
  for (size_t i = 0; i < std::min(groups.size(), kReasons); ++i) {
    for (const size_t build : groups[i].builds) numbers[build] = static_cast<int>(i);
  }
  return numbers;
}

json TextsOf(const std::vector<Group>& groups) {
  json texts = json::array();
  for (size_t i = 0; i < std::min(groups.size(), kReasons); ++i) {
    const Group& group = groups[i];
    texts.push_back(Fit(group.title + ": " + group.detail, kReasonBytes));
  }
  return texts;
}

std::string Dump(const json& data) { return data.dump(-1, ' ', false, json::error_handler_t::replace); }

/// The names of all builds, in what `taken` bytes leave of `room`.
json Names(const Report& report, size_t room, size_t taken) {
  constexpr size_t kQuotes = 3;  // and a comma
  const size_t each = (room - std::min(room, taken)) / std::max<size_t>(report.builds.size(), 1);
  const size_t limit = std::clamp(each - std::min(each, kQuotes), kLeastNameBytes, size_t{253});
  json names = json::array();
  for (const Build& build : report.builds) names.push_back(Fit(build.name, limit));
  return names;
}

}  // namespace

std::string PageData(const Report& report, const Picture& picture, size_t room) {
  json data;
  data["stages"] = json::array();
  std::map<std::string, size_t> stages;
  for (const std::string& stage : report.stages) {
    stages.emplace(stage, stages.size());
    data["stages"].push_back(Fit(stage, kReasonBytes));
  }
  data["reasons"] = TextsOf(report.failures);
  data["hangs"] = TextsOf(report.hangs);
  data["start"] = FormatTime(picture.start);
  data["length"] = Tenths(picture.length);
  data["pitch"] = picture.Pitch();
  data["middles"] = json::array();
  for (size_t lane = 0; lane < picture.lanes; ++lane) data["middles"].push_back(picture.Middle(lane));
  std::vector<const Bar*> bars(report.builds.size(), nullptr);
  for (const Bar& bar : picture.bars) bars[bar.build] = &bar;
  const std::vector<int> reasons = NumbersOf(report.failures, report.builds.size());
  const std::vector<int> hangs = NumbersOf(report.hangs, report.builds.size());
  json rows = json::array();
  for (size_t i = 0; i < report.builds.size(); ++i) {
    const Build& build = report.builds[i];
    const Bar* bar = bars[i];
    const auto seconds = build.Seconds();
    rows.push_back(stages.at(build.stage));
    rows.push_back(OutcomeOf(build));
    rows.push_back(bar == nullptr ? -1 : static_cast<int64_t>(bar->lane));
    rows.push_back(bar == nullptr ? 0 : Tenths(bar->begin));
    rows.push_back(bar == nullptr ? 0 : Tenths(bar->length));
    rows.push_back(seconds ? std::llround(*seconds * 10) : -1);
    rows.push_back(build.AttemptCount());
    rows.push_back(reasons[i]);
    rows.push_back(hangs[i]);
  }
  data["rows"] = std::move(rows);
  data["names"] = Names(report, room, JsonForHtml(Dump(data)).size());
  return Dump(data);
}

}  // namespace imagebatch::report
