#include "cluster/status.h"

#include <algorithm>

#include "base/text.h"
#include "cluster/input.h"

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
          {"failed", counts[State::Failed]}};
}

struct Condition {
  const char* type;
  bool status;
  std::string reason, message;
};

std::vector<Condition> Conditions(const Summary& summary, const plan::Counts& total) {
  const bool failed = !summary.failed_reason.empty();
  const std::string progress = std::to_string(total[State::Succeeded]) + " of " +
                               std::to_string(total.Total()) + " builds succeeded, " +
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
                        summary.suspended ? "spec.suspend is true: nothing new is started" : ""});
  if (summary.hung_builds.empty()) {
    conditions.push_back({"Hung", false, "NoneHung", ""});
  } else {
    const HungEntry& first = summary.hung_builds.front();
    std::string message = "build " + first.name + " of stage " + first.stage + ": " + first.message;
    if (summary.hung > 1) message += " (and " + std::to_string(summary.hung - 1) + " more)";
    conditions.push_back({"Hung", true, first.klass, message});
  }
  const bool degraded = !summary.degraded_reason.empty();
  conditions.push_back(
      {"Degraded", degraded, degraded ? summary.degraded_reason : "NotDegraded", summary.degraded_message});
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

/// What is written at once when it changes: what people wait for and alerts come from.
json Urgent(const json& status) {
  json urgent;
  for (const char* key : {"startTime", "completionTime", "hungBuilds", "inputDigest", "observedGeneration"}) {
    urgent[key] = status.contains(key) ? status[key] : json();
  }
  // What a stalled build waits for is worded anew with every node that comes or goes
  if (urgent["hungBuilds"].is_array()) {
    for (json& hung : urgent["hungBuilds"]) hung.erase("message");
  }
  if (!status.contains("conditions")) return urgent;
  for (const json& condition : status["conditions"]) {
    urgent["conditions"][condition.value("type", "")] = {condition.value("status", ""),
                                                         condition.value("reason", "")};
  }
  return urgent;
}

/// `status` without the fields that are null: as the API server gives it back.
json WithoutNulls(json status) {
  for (auto at = status.begin(); at != status.end();) at = at->is_null() ? status.erase(at) : std::next(at);
  return status;
}

}  // namespace

std::vector<metrics::StageCounts> StagesIn(const json& status) {
  std::vector<metrics::StageCounts> stages;
  for (const json& stage : status.value("stages", json::array())) {
    const auto count = [&](const char* state) { return stage.value(state, int64_t{0}); };
    stages.push_back({stage.value("name", ""), count("waiting"), count("queued"), count("held"),
                      count("pending"), count("running"), count("succeeded"), count("failed"),
                      count("slow")});
  }
  return stages;
}

Told ToldIn(const json& status) {
  Told told;
  told.held = status.value("held", int64_t{0}) > 0;
  for (const json& hung : status.value("hungBuilds", json::array())) {
    HungEntry entry{hung.value("stage", ""), hung.value("name", ""), hung.value("class", ""),
                    hung.value("pod", ""),   hung.value("node", ""), hung.value("message", ""),
                    hung.value("attempt", 1)};
    entry.since = ParseTime(hung.value("since", "")).value_or(Time{});
    const json evidence = hung.value("evidence", json::object());
    entry.evidence = {evidence.value("configMap", ""), evidence.value("sha256", "")};
    told.hung_builds.push_back(std::move(entry));
  }
  return told;
}

std::vector<std::string> ResultConfigMapsIn(const json& status) {
  std::vector<std::string> names;
  const json results = status.value("results", json::object());
  for (const json& name : results.value("configMaps", json::array())) {
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
  status["slow"] = slow;
  status["stages"] = std::move(stages);
  status["hungBuilds"] = json::array();
  for (const HungEntry& hung : summary.hung_builds) {
    status["hungBuilds"].push_back({{"stage", hung.stage},
                                    {"name", hung.name},
                                    {"attempt", hung.attempt},
                                    {"class", hung.klass},
                                    {"since", FormatTime(hung.since)},
                                    {"pod", hung.pod},
                                    {"node", hung.node},
                                    {"message", hung.message}});
    if (hung.evidence.sha256.empty()) continue;
    json& evidence = status["hungBuilds"].back()["evidence"];
    evidence["sha256"] = hung.evidence.sha256;
    if (!hung.evidence.config_map.empty()) evidence["configMap"] = hung.evidence.config_map;
  }
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
  status["results"] = {{"configMaps", summary.result_config_maps}, {"lines", summary.result_lines}};
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
  const auto is_degraded = [](const json& condition) { return condition.value("type", "") == "Degraded"; };
  const auto now = std::find_if(wanted["conditions"].begin(), wanted["conditions"].end(), is_degraded);
  const auto old = std::find_if(conditions.begin(), conditions.end(), is_degraded);
  if (old == conditions.end()) {
    if (now->value("status", "") == "True") conditions.push_back(*now);
  } else if (old->value("status", "") != now->value("status", "") ||
             old->value("reason", "") != now->value("reason", "")) {
    *old = *now;
  }
  return known;
}

StatusWriter::StatusWriter(std::string path, Requests& requests, const void* owner)
    : path_(std::move(path)), requests_(requests), owner_(owner) {}

void StatusWriter::OnObject(const json& object) {
  const std::string version = object["metadata"].value("resourceVersion", "");
  const Version number = std::strtoull(version.c_str(), nullptr, 10);
  if (number < number_) return;  // a watch that lags behind our own writes
  number_ = number;
  version_ = version;
  const auto status = object.find("status");
  known_ = status != object.end() && status->is_object() ? *status : json::object();
}

void StatusWriter::Step(const json& wanted, int64_t finished_builds, Now now) {
  constexpr std::chrono::seconds kInterval(10), kShortest(1);
  constexpr int64_t kEnough = 10;
  const json lean = WithoutNulls(wanted);
  due_.reset();
  if (lean == known_) return;
  due_ = written_ + kInterval;
  if (finished_builds >= finished_at_write_ + kEnough) due_ = written_ + kShortest;
  if (Urgent(lean) != Urgent(known_)) due_ = now.steady;
  due_ = std::max(*due_, backoff_.next());
  if (writing_ || reading_ || now.steady < *due_) return;
  written_ = now.steady;
  finished_at_write_ = finished_builds;
  Write(wanted);
}

std::optional<SteadyTime> StatusWriter::Next() const { return writing_ || reading_ ? std::nullopt : due_; }

void StatusWriter::Write(const json& wanted) {
  kube::Request request;
  request.method = kube::Method::Patch;
  request.path = path_ + "/status";
  request.content_type = "application/merge-patch+json";
  request.body = json{{"metadata", {{"resourceVersion", version_}}}, {"status", wanted}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  writing_ = true;
  requests_.Send(owner_, {Purpose::WriteStatus, ""}, std::move(request),
                 [this](const Result<kube::Response>& response, Now now) {
                   writing_ = false;
                   if (Ok(response)) {
                     const json object = json::parse(response->body, nullptr, false);
                     backoff_.Succeeded();
                     if (object.is_object() && object.contains("metadata")) OnObject(object);
                     return;
                   }
                   // A conflict: the object has changed, and the watch is about to bring it. Whatever else:
                   // ask for it.
                   backoff_.Failed(now.steady);
                   reading_ = true;
                   kube::Request read;
                   read.path = path_;
                   requests_.Send(owner_, {Purpose::ReadBatch, ""}, std::move(read),
                                  [this](const Result<kube::Response>& reply, Now) {
                                    reading_ = false;
                                    const json object =
                                        Ok(reply) ? json::parse(reply->body, nullptr, false) : json();
                                    if (object.is_object() && object.contains("metadata")) OnObject(object);
                                  });
                 });
}

}  // namespace imagebatch::cluster
