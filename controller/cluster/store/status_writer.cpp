#include "cluster/store/status_writer.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "cluster/objects/reply.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

/// What is written at once when it changes: what people wait for and alerts come from.
json Urgent(const json& status) {
  json urgent;
  for (const char* key : {"startTime", "completionTime", "hungBuilds", "stalledBuilds", "inputDigest",
                          "observedGeneration", "rerun"}) {
    urgent[key] = status.contains(key) ? status[key] : json();
  }
  // What a stalled build waits for is worded anew with every node that comes or goes
  for (const char* list : {"hungBuilds", "stalledBuilds"}) {
    if (!urgent[list].is_array()) continue;
    for (json& build : urgent[list]) build.erase("message");
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

StatusWriter::StatusWriter(std::string path, Channel& channel) : path_(std::move(path)), channel_(channel) {}

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
  std::string change = json{{"metadata", {{"resourceVersion", version_}}}, {"status", wanted}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  writing_ = true;
  channel_.MergePatch(
      {Purpose::WriteStatus, ""}, path_ + "/status", std::move(change),
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
        channel_.Get({Purpose::ReadBatch, ""}, path_, [this](const Result<kube::Response>& reply, Now) {
          reading_ = false;
          const json object = Ok(reply) ? json::parse(reply->body, nullptr, false) : json();
          if (object.is_object() && object.contains("metadata")) OnObject(object);
        });
      });
}

}  // namespace imagebatch::cluster
