#include "cluster/store/status_object.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "cluster/store/input.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using plan::State;

json TimeOrNull(const std::optional<Time>& time) { return time ? json(FormatTime(*time)) : json(); }

/// Nobody believes an estimate's milliseconds.
std::string SecondOf(Time time) { return FormatTime(std::chrono::round<std::chrono::seconds>(time)); }

json CountsObject(const plan::Counts& counts) {
  return {{"total", counts.Total()},
          {"waiting", counts[State::Waiting]},
          {"queued", counts[State::Queued]},
          {"held", counts[State::Held]},
          {"pending", counts[State::Pending]},
          {"running", counts[State::Running]},
          {"succeeded", counts[State::Succeeded]},
          {"skipped", counts[State::Skipped]},
          {"failed", counts[State::Failed]}};
}

struct Condition {
  const char* type;
  bool status;
  std::string reason, message;
};

/// Of the builds that have a verdict of one kind.
Condition Flagged(const char* type, const char* none, const std::vector<FlaggedEntry>& builds, int64_t all,
                  const std::string& alike = "") {
  if (builds.empty()) return {type, false, none, ""};
  const FlaggedEntry& first = builds.front();
  std::string message = "build " + first.name + " of stage " + first.stage + ": " + first.message;
  if (all > 1) message += " (and " + std::to_string(all - 1) + " more" + alike + ")";
  return {type, true, first.class_name, std::move(message)};
}

/// What there is to say of how many causes the hung builds have, behind their number.
std::string HowAlike(const std::vector<HangGroup>& groups) {
  const auto hanging =
      std::count_if(groups.begin(), groups.end(), [](const HangGroup& group) { return group.hanging > 0; });
  if (hanging == 1) return ", all of which hang alike";
  return hanging > 1 ? ", in " + std::to_string(hanging) + " groups that hang alike" : "";
}

/// The state of the batch as one word for `kubectl get`, with what there is to say of it.
Condition Ready(const Summary& summary, const Condition& hung, const Condition& stalled,
                const std::string& progress) {
  if (!summary.failed_reason.empty()) return {"Ready", false, "Failed", summary.failed_message};
  if (summary.finished) return {"Ready", true, "Complete", progress};
  if (summary.suspended) return {"Ready", false, "Suspended", progress};
  if (!summary.degraded_reason.empty()) return {"Ready", false, "Degraded", summary.degraded_message};
  if (hung.status) return {"Ready", false, "Hung", hung.message};
  if (stalled.status) return {"Ready", false, "Stalled", stalled.message};
  return {"Ready", false, summary.counts.empty() ? "Pending" : "Running", progress};
}

std::vector<Condition> Conditions(const Summary& summary, const plan::Counts& total) {
  const bool failed = !summary.failed_reason.empty();
  const std::string progress =
      std::to_string(total[State::Succeeded]) + " of " + std::to_string(total.Total()) +
      " builds succeeded, " +
      (total[State::Skipped] > 0 ? std::to_string(total[State::Skipped]) + " were skipped, "
                                 : std::string()) +
      std::to_string(total[State::Failed]) + " failed";
  const std::string unfinished = summary.counts.empty() ? "the batch has not started" : progress;
  std::vector<Condition> conditions;
  if (summary.finished && !failed) {
    conditions.push_back({"Complete", true, "AllSucceeded", progress});
  } else {
    conditions.push_back({"Complete", false, failed ? "Failed" : "NotFinished", unfinished});
  }
  if (failed) {
    conditions.push_back({"Failed", true, summary.failed_reason, summary.failed_message});
  } else {
    conditions.push_back({"Failed", false, "NotFailed", unfinished});
  }
  conditions.push_back({"Suspended", summary.suspended, summary.suspended ? "Suspended" : "NotSuspended",
                        summary.suspended ? "spec.suspend is true: no new build is started" : ""});
  const Condition hung =
      Flagged("HungBuilds", "NoneHung", summary.hung_builds, summary.hung, HowAlike(summary.hang_groups));
  const Condition stalled = Flagged("StalledBuilds", "NoneStalled", summary.stalled_builds, summary.stalled);
  conditions.push_back(hung);
  conditions.push_back(stalled);
  const bool degraded = !summary.degraded_reason.empty();
  conditions.push_back(
      {"Degraded", degraded, degraded ? summary.degraded_reason : "NotDegraded", summary.degraded_message});
  conditions.push_back(Ready(summary, hung, stalled, unfinished));
  const bool goes_on = !failed && !summary.finished;
  conditions.push_back({"Reconciling", goes_on, goes_on ? "NotFinished" : "Finished", ""});
  conditions.push_back({"Stalled", failed, failed ? summary.failed_reason : "NotFailed", ""});
  return conditions;
}

json ConditionObject(const Condition& condition, const json& previous, int64_t generation, Time now) {
  const char* status = condition.status ? "True" : "False";
  json since = FormatTime(now);
  if (previous.contains("conditions") && previous["conditions"].is_array()) {
    for (const json& old : previous["conditions"]) {
      if (old.value("type", "") == condition.type && old.value("status", "") == status) {
        since = old.value("lastTransitionTime", since);
      }
    }
  }
  return {{"type", condition.type},      {"status", status},
          {"reason", condition.reason},  {"message", Printable(condition.message, 4096)},
          {"lastTransitionTime", since}, {"observedGeneration", generation}};
}

json Entries(const std::vector<FlaggedEntry>& builds) {
  json entries = json::array();
  for (const FlaggedEntry& build : builds) {
    entries.push_back({{"stage", build.stage},
                       {"name", build.name},
                       {"attempt", build.attempt},
                       {"class", build.class_name},
                       {"since", FormatTime(build.since)},
                       {"pod", build.pod},
                       {"node", build.node},
                       {"message", build.message}});
    if (!build.alike.fingerprint.empty()) entries.back()["fingerprint"] = build.alike.fingerprint;
    if (build.evidence.sha256.empty()) continue;
    json& evidence = entries.back()["evidence"];
    evidence["sha256"] = build.evidence.sha256;
    if (!build.evidence.record.empty()) evidence["record"] = build.evidence.record;
  }
  return entries;
}

json Groups(const std::vector<HangGroup>& groups) {
  json entries = json::array();
  for (const HangGroup& group : groups) {
    if (entries.size() == kListed) break;
    entries.push_back({{"class", group.class_name},
                       {"fingerprint", group.alike.fingerprint},
                       {"summary", group.alike.summary},
                       {"count", group.count},
                       {"hanging", group.hanging},
                       {"first", FormatTime(group.first)},
                       {"last", FormatTime(group.last)}});
  }
  return entries;
}

json RerunObject(const RerunRecord& rerun) {
  if (rerun.round == 0) return {};
  json object = {{"round", rerun.round},
                 {"allRound", rerun.all_round},
                 {"someRound", rerun.some_round},
                 {"builds", rerun.builds},
                 {"message", rerun.message}};
  if (rerun.since) object["since"] = FormatTime(*rerun.since);  // a null would never come back
  return object;
}

/// The groups of a status by fingerprint: what their hangs have in common.
std::map<std::string, std::string> SummariesIn(const json& groups) {
  std::map<std::string, std::string> summaries;
  for (const json& group : groups) summaries[group.value("fingerprint", "")] = group.value("summary", "");
  return summaries;
}

std::vector<FlaggedEntry> EntriesIn(const json& builds) {
  std::vector<FlaggedEntry> entries;
  for (const json& build : builds) {
    FlaggedEntry entry{build.value("stage", ""), build.value("name", ""), build.value("class", ""),
                       build.value("pod", ""),   build.value("node", ""), build.value("message", ""),
                       build.value("attempt", 1)};
    entry.since = ParseTime(build.value("since", "")).value_or(Time{});
    const json evidence = build.value("evidence", json::object());
    entry.alike.fingerprint = build.value("fingerprint", "");
    entry.evidence = {evidence.value("record", ""), evidence.value("sha256", "")};
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

std::vector<metrics::StageCounts> StagesIn(const json& status) {
  std::vector<metrics::StageCounts> stages;
  for (const json& stage : status.value("stages", json::array())) {
    const auto count = [&](const char* state) { return stage.value(state, int64_t{0}); };
    stages.push_back({stage.value("name", ""), count("waiting"), count("queued"), count("held"),
                      count("pending"), count("running"), count("succeeded"), count("skipped"),
                      count("failed"), count("slow")});
  }
  return stages;
}

Told ToldIn(const json& status) {
  Told told;
  told.held = status.value("held", int64_t{0}) > 0;
  told.hung_builds = EntriesIn(status.value("hungBuilds", json::array()));
  const auto summaries = SummariesIn(status.value("hangGroups", json::array()));
  for (FlaggedEntry& hung : told.hung_builds) {
    const auto summary = summaries.find(hung.alike.fingerprint);
    hung.alike = AlikeOf(hung.alike.fingerprint, summary == summaries.end() ? "" : summary->second,
                         hung.class_name, "");
  }
  told.stalled_builds = EntriesIn(status.value("stalledBuilds", json::array()));
  return told;
}

RerunRecord RerunIn(const json& status) {
  RerunRecord rerun;
  const auto at = status.find("rerun");
  if (at == status.end() || !at->is_object()) return rerun;
  rerun.round = at->value("round", 0);
  rerun.all_round = at->value("allRound", 0);
  rerun.some_round = at->value("someRound", 0);
  for (const json& name : at->value("builds", json::array())) {
    if (name.is_string()) rerun.builds.push_back(name.get<std::string>());
  }
  rerun.since = ParseTime(at->value("since", ""));
  rerun.message = at->value("message", "");
  return rerun;
}

std::vector<std::string> ResultRecordsIn(const json& status) {
  std::vector<std::string> names;
  const json results = status.value("results", json::object());
  for (const json& name : results.value("records", json::array())) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

json StatusObject(const Summary& summary, const json& previous, Time now) {
  plan::Counts total;
  int64_t slow = 0;
  json stages = json::array();
  for (size_t i = 0; i < summary.counts.size(); ++i) {
    const plan::Counts& counts = summary.counts[i];
    for (size_t s = 0; s < plan::kStates; ++s) total.by_state[s] += counts.by_state[s];
    total.retried += counts.retried;
    json stage = CountsObject(counts);
    stage["name"] = summary.stages[i];
    stage["slow"] = summary.slow[i];
    slow += summary.slow[i];
    stages.push_back(std::move(stage));
  }
  json status = CountsObject(total);
  status["retried"] = total.retried;
  status["hung"] = summary.hung;
  status["stalled"] = summary.stalled;
  status["slow"] = slow;
  status["stages"] = std::move(stages);
  status["hungBuilds"] = Entries(summary.hung_builds);
  status["hangGroups"] = Groups(summary.hang_groups);
  status["stalledBuilds"] = Entries(summary.stalled_builds);
  status["slowBuilds"] = json::array();
  for (const SlowEntry& entry : summary.slow_builds) {
    status["slowBuilds"].push_back({{"stage", entry.stage},
                                    {"name", entry.name},
                                    {"attempt", entry.attempt},
                                    {"since", FormatTime(entry.since)},
                                    {"pod", entry.pod},
                                    {"medianSeconds", entry.median_seconds}});
  }
  status["failedBuilds"] = json::array();
  for (const FailedEntry& failed : summary.failed_builds) {
    status["failedBuilds"].push_back({{"stage", failed.stage},
                                      {"name", failed.name},
                                      {"attempt", failed.attempt},
                                      {"reason", failed.reason},
                                      {"message", failed.message}});
  }
  status["startTime"] = TimeOrNull(summary.start);
  status["lastProgressTime"] = TimeOrNull(summary.last_progress);
  status["completionTime"] = TimeOrNull(summary.completion);
  status["estimatedCompletion"] = summary.end ? json{{"earliest", SecondOf(summary.end->earliest)},
                                                     {"likely", SecondOf(summary.end->likely)},
                                                     {"latest", SecondOf(summary.end->latest)}}
                                              : json();
  const bool digest = !summary.input_digest.empty();
  status["inputDigest"] = digest ? json(summary.input_digest) : json();
  status["inputDigestVersion"] = digest ? json(kDigestVersion) : json();
  status["rerun"] = RerunObject(summary.rerun);
  status["results"] = {{"records", summary.result_records}, {"lines", summary.result_lines}};
  status["observedGeneration"] = summary.generation;
  status["conditions"] = json::array();
  for (const Condition& condition : Conditions(summary, total)) {
    status["conditions"].push_back(ConditionObject(condition, previous, summary.generation, now));
  }
  return status;
}

json KeptStatus(json known, json wanted, bool halted) {
  if (halted) {
    known["conditions"] = std::move(wanted["conditions"]);
    known["observedGeneration"] = wanted["observedGeneration"];
    return known;
  }
  json& conditions = known["conditions"];
  if (!conditions.is_array()) conditions = json::array();
  for (const json& now : wanted["conditions"]) {
    const std::string type = now.value("type", "");
    const bool degraded = type == "Degraded";
    if (!degraded && type != "Ready" && type != "Reconciling" && type != "Stalled") continue;
    const auto old = std::find_if(conditions.begin(), conditions.end(),
                                  [&](const json& condition) { return condition.value("type", "") == type; });
    if (old == conditions.end()) {
      if (!degraded || now.value("status", "") == "True") conditions.push_back(now);
    } else if (degraded && (old->value("status", "") != now.value("status", "") ||
                            old->value("reason", "") != now.value("reason", ""))) {
      *old = now;
    }
  }
  return known;
}

}  // namespace imagebatch::cluster
