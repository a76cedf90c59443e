#include "report/builds.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>
#include <tuple>

namespace imagebatch::report {
namespace {

using Key = std::pair<std::string, std::string>;  // stage, name

constexpr size_t kMessageLimit = 300;

bool IsWordPart(std::string_view text, size_t at) {
  return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
}

/// What equal failures have in common: no numbers, and not the build's own name.
std::string Shape(std::string text, const std::string& name) {
  for (size_t at = 0; !name.empty() && (at = text.find(name, at)) != std::string::npos; ++at) {
    const bool word = (at == 0 || !IsWordPart(text, at - 1)) && !IsWordPart(text, at + name.size());
    if (word) text.replace(at, name.size(), "@");
  }
  std::string shape;
  for (const char c : text.substr(0, kMessageLimit)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) {
      shape.push_back(c);
    } else if (shape.empty() || shape.back() != '#') {
      shape.push_back('#');
    }
  }
  return shape;
}

void Widen(Group& group, std::optional<Time> time) {
  if (!time) return;
  group.first = group.first ? std::min(*group.first, *time) : *time;
  group.last = group.last ? std::max(*group.last, *time) : *time;
}

void PutIn(Group& group, size_t build) {
  if (group.builds.empty() || group.builds.back() != build) group.builds.push_back(build);
}

std::vector<Group> Sorted(std::map<std::string, Group>&& groups) {
  std::vector<Group> sorted;
  sorted.reserve(groups.size());
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  std::stable_sort(sorted.begin(), sorted.end(), [](const Group& a, const Group& b) {
    if (a.builds.size() != b.builds.size()) return a.builds.size() > b.builds.size();
    return a.first.value_or(Time::max()) < b.first.value_or(Time::max());
  });
  return sorted;
}

std::vector<Group> HangGroups(const std::vector<Build>& builds) {
  std::map<std::string, Group> groups;
  std::map<std::string, std::vector<std::pair<Time, std::string>>> evidence;
  for (size_t i = 0; i < builds.size(); ++i) {
    for (const Attempt& attempt : builds[i].attempts) {
      if (attempt.hang_class.empty()) continue;
      const std::string key = attempt.hang_class + "\n" + attempt.fingerprint;
      Group& group = groups[key];
      group.title = attempt.hang_class;
      group.fingerprint = attempt.fingerprint;
      if (group.detail.empty()) group.detail = attempt.hang_summary;
      PutIn(group, i);
      Widen(group, attempt.hung_since);
      if (!attempt.evidence_record.empty())
        evidence[key].emplace_back(attempt.hung_since.value_or(Time{}), attempt.evidence_record);
    }
  }
  for (auto& [key, records] : evidence) {
    std::sort(records.rbegin(), records.rend());
    for (auto& [time, record] : records) groups[key].evidence_records.push_back(std::move(record));
  }
  return Sorted(std::move(groups));
}

std::vector<Group> FailureGroups(const std::vector<Build>& builds) {
  std::map<std::string, Group> groups;
  for (size_t i = 0; i < builds.size(); ++i) {
    const Build& build = builds[i];
    if (build.status != Status::Failed) continue;
    const bool hung = build.Last() != nullptr && !build.Last()->hang_class.empty();
    const std::string key =
        hung ? build.reason + "\n" + build.Last()->hang_class + "\n" + build.Last()->fingerprint
             : build.reason + "\n" + Shape(build.error, build.name);
    Group& group = groups[key];
    group.title = build.reason.empty() ? "Failed" : build.reason;
    if (group.detail.empty()) {
      const std::string prefix = build.reason + ": ";  // the title says it
      group.detail = build.error.substr(build.error.starts_with(prefix) ? prefix.size() : 0);
    }
    PutIn(group, i);
    Widen(group, build.Finished());
  }
  return Sorted(std::move(groups));
}

/// A failed attempt always has an error, whatever its line says.
std::string ErrorOf(const Attempt& attempt) {
  if (!attempt.error.empty()) return attempt.error;
  return attempt.reason.empty() ? "failed without a message" : attempt.reason;
}

std::map<Key, Build> Collect(std::vector<Attempt> attempts) {
  std::map<Key, std::map<int, Attempt>> numbered;
  for (Attempt& attempt : attempts) {
    auto& of_build = numbered[{attempt.stage, attempt.name}];
    of_build[attempt.number] = std::move(attempt);
  }
  std::map<Key, Build> builds;
  for (auto& [key, of_build] : numbered) {
    Build& build = builds[key];
    std::tie(build.stage, build.name) = key;
    for (auto& [number, attempt] : of_build) build.attempts.push_back(std::move(attempt));
    const Attempt& last = build.attempts.back();
    build.status = last.status;
    if (build.status != Status::Failed) continue;
    build.error = ErrorOf(last);
    build.reason = last.reason;
  }
  return builds;
}

/// Adds builds that fail because one that they need has failed. `expected` has needs before what needs them.
void AddFailedByNeeds(const std::vector<Expected>& expected, std::map<Key, Build>& builds) {
  for (const Expected& one : expected) {
    const Key key{one.stage, one.name};
    if (builds.contains(key)) continue;
    for (const size_t need : one.needs) {
      const auto at = builds.find({expected[need].stage, expected[need].name});
      if (at == builds.end() || at->second.status != Status::Failed) continue;
      Build build{one.stage, one.name, Status::Failed, {}, "", "NeedFailed"};
      build.error = "NeedFailed: " + at->first.first + "/" + at->first.second + ", which it needs, failed";
      builds.emplace(key, std::move(build));
      break;
    }
  }
}

std::vector<std::string> StagesOf(const std::vector<Expected>& expected, const std::map<Key, Build>& builds) {
  std::vector<std::string> stages;
  const auto add = [&](const std::string& stage) {
    if (std::find(stages.begin(), stages.end(), stage) == stages.end()) stages.push_back(stage);
  };
  for (const Expected& one : expected) {
    if (stages.empty() || stages.back() != one.stage) add(one.stage);
  }
  std::map<std::string, Time> begun;
  for (const auto& [key, build] : builds) {
    const Time start = build.Started().value_or(Time::max());
    const auto [at, added] = begun.emplace(key.first, start);
    if (!added) at->second = std::min(at->second, start);
  }
  std::vector<std::pair<Time, std::string>> by_start;
  by_start.reserve(begun.size());
  for (const auto& [stage, start] : begun) by_start.emplace_back(start, stage);
  std::sort(by_start.begin(), by_start.end());
  for (const auto& [start, stage] : by_start) add(stage);
  return stages;
}

}  // namespace

std::optional<Time> Build::Started() const {
  for (const Attempt& attempt : attempts) {
    if (attempt.started) return attempt.started;
  }
  return std::nullopt;
}

std::optional<Time> Build::Finished() const {
  for (auto attempt = attempts.rbegin(); attempt != attempts.rend(); ++attempt) {
    if (attempt->finished) return attempt->finished;
  }
  return std::nullopt;
}

std::optional<double> Build::Seconds() const {
  std::optional<double> sum;
  for (const Attempt& attempt : attempts) {
    if (attempt.seconds) sum = sum.value_or(0) + *attempt.seconds;
  }
  return sum;
}

int Build::AttemptCount() const { return attempts.empty() ? 0 : attempts.back().number; }

const Attempt* Build::Hung() const {
  const Attempt* hung = nullptr;
  for (const Attempt& attempt : attempts) {
    if (!attempt.hang_class.empty()) hung = &attempt;
  }
  return hung;
}

size_t Report::Count(Status status) const {
  return static_cast<size_t>(std::count_if(builds.begin(), builds.end(),
                                           [&](const Build& build) { return build.status == status; }));
}

size_t Report::Retried() const {
  return static_cast<size_t>(std::count_if(builds.begin(), builds.end(),
                                           [](const Build& build) { return build.AttemptCount() > 1; }));
}

size_t Report::HungBuilds() const {
  return static_cast<size_t>(std::count_if(builds.begin(), builds.end(),
                                           [](const Build& build) { return build.Hung() != nullptr; }));
}

Report MakeReport(Material material, const std::string& stage) {
  std::map<Key, Build> builds = Collect(std::move(material.attempts));
  AddFailedByNeeds(material.expected, builds);
  Report report;
  report.batch = std::move(material.batch);
  report.stages = StagesOf(material.expected, builds);
  if (!stage.empty()) std::erase_if(report.stages, [&](const std::string& one) { return one != stage; });
  for (const Expected& one : material.expected) {
    const bool meant = stage.empty() || one.stage == stage;
    if (meant && !builds.contains({one.stage, one.name})) ++report.unfinished;
  }
  // How many of a total are in one stage is not known
  if (material.expected.empty() && stage.empty())
    report.unfinished = std::max(material.total.value_or(0), builds.size()) - builds.size();
  std::map<std::string, size_t> order;
  for (const std::string& one : report.stages) order.emplace(one, order.size());
  for (auto& [key, build] : builds) {
    if (order.contains(key.first)) report.builds.push_back(std::move(build));
  }
  std::stable_sort(report.builds.begin(), report.builds.end(), [&](const Build& a, const Build& b) {
    const auto rank = [&](const Build& build) {
      return std::make_pair(order.at(build.stage), build.Started().value_or(Time::max()));
    };
    return rank(a) < rank(b);
  });
  report.hangs = HangGroups(report.builds);
  report.failures = FailureGroups(report.builds);
  return report;
}

}  // namespace imagebatch::report
