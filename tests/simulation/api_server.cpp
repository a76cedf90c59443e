#include "simulation/api_server.h"

#include <algorithm>

namespace imagebatch::simulation {
namespace {

using kube::Method;
using kube::Response;
using nlohmann::json;

Response Status(int code, const std::string& message) {
  return {code, json{{"kind", "Status"}, {"code", code}, {"message", message}}.dump(), std::nullopt};
}

/// The value of a parameter of a query; empty where it is not there.
std::string Value(const std::string& query, const std::string& name) {
  const std::string text = "&" + query + "&", key = "&" + name + "=";
  const size_t at = text.find(key);
  if (at == std::string::npos) return {};
  return text.substr(at + key.size(), text.find('&', at + 1) - at - key.size());
}

/// Whether an object's labels are those of a selector: KEY%3DVALUE, KEY and %21KEY, parted by %2C.
bool Selected(const json& object, std::string selector) {
  const json labels = object["metadata"].value("labels", json::object());
  const auto decoded = [](std::string text) {
    for (size_t at; (at = text.find("%2F")) != std::string::npos;) text.replace(at, 3, "/");
    return text;
  };
  while (!selector.empty()) {
    const size_t comma = selector.find("%2C");
    const std::string term = selector.substr(0, comma);
    selector = comma == std::string::npos ? "" : selector.substr(comma + 3);
    const size_t equals = term.find("%3D");
    const bool absent = term.starts_with("%21");
    const std::string key = decoded(term.substr(absent ? 3 : 0, absent ? std::string::npos : equals));
    if (labels.contains(key) == absent) return false;
    if (equals != std::string::npos && labels[key] != term.substr(equals + 3)) return false;
  }
  return true;
}

/// "/apis/batch/v1/namespaces/x/jobs/name/log?query" in its parts.
struct Path {
  std::string resource, name, subresource, query;
};

Path Split(const std::string& text) {
  Path path;
  const size_t mark = text.find('?');
  if (mark != std::string::npos) path.query = text.substr(mark + 1);
  std::string rest = text.substr(0, mark);
  const std::string key = "/namespaces/";
  rest = rest.substr(rest.find(key) + key.size());
  const auto word = [&] {
    const size_t slash = rest.find('/');
    std::string first = rest.substr(0, slash);
    rest = slash == std::string::npos ? "" : rest.substr(slash + 1);
    return first;
  };
  word();  // the namespace
  path.resource = word();
  path.name = word();
  path.subresource = word();
  return path;
}

}  // namespace

void ApiServer::Put(Kind kind, json object) {
  json& metadata = object["metadata"];
  const std::string name = metadata["name"];
  if (!metadata.contains("uid")) metadata["uid"] = "uid-" + std::to_string(++uids_);
  metadata["resourceVersion"] = std::to_string(++version_);
  json& stored = objects_[kind][name];
  stored = std::move(object);
  watch_(kind, cluster::Change::Upsert, stored);
}

void ApiServer::Remove(Kind kind, const std::string& name) {
  const auto at = objects_[kind].find(name);
  if (at == objects_[kind].end()) return;
  json object = std::move(at->second);
  objects_[kind].erase(at);
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  watch_(kind, cluster::Change::Gone, object);
}

json* ApiServer::Find(Kind kind, const std::string& name) {
  const auto at = objects_[kind].find(name);
  return at == objects_[kind].end() ? nullptr : &at->second;
}

Response ApiServer::Handle(const kube::Request& request, Time now) {
  const Path path = Split(request.path);
  if (path.resource == "events") return Events(request, path.query);
  const std::map<std::string, Kind> kinds = {{"imagebatches", Kind::Batch},
                                             {"jobs", Kind::Job},
                                             {"pods", Kind::Pod},
                                             {"configmaps", Kind::ConfigMap}};
  const auto kind = kinds.find(path.resource);
  if (kind == kinds.end()) return Status(404, "no resource " + path.resource);
  if (path.subresource == "log") {
    return Find(Kind::Pod, path.name) == nullptr ? Status(404, "no Pod") : Log(path.name, path.query);
  }
  if (request.method == Method::Post) {
    if (path.query.starts_with("dryRun")) return {201, request.body, std::nullopt};
    return Create(kind->second, request.body, now);
  }
  if (path.name.empty()) return List(kind->second, path.query);
  if (Find(kind->second, path.name) == nullptr) return Status(404, path.name + " not found");
  switch (request.method) {
    case Method::Get:
      return {200, Find(kind->second, path.name)->dump(), std::nullopt};
    case Method::Patch:
      return Patch(kind->second, path.name, request.body);
    case Method::Delete:
      if (kind->second == Kind::Job && on_delete_job) on_delete_job(*Find(Kind::Job, path.name));
      Remove(kind->second, path.name);
      return {200, "{}", std::nullopt};
    default:
      return Status(405, "method not allowed");
  }
}

Response ApiServer::Events(const kube::Request& request, const std::string& query) const {
  if (request.method != Method::Get) return {201, "{}", std::nullopt};
  const std::string key = "involvedObject.uid%3D";
  const std::string uid = query.substr(query.find(key) + key.size());
  const auto at = events.find(uid.substr(0, uid.find('&')));
  return {200, json{{"items", at == events.end() ? json::array() : at->second}}.dump(), std::nullopt};
}

Response ApiServer::Create(Kind kind, const std::string& body, Time now) {
  json object = json::parse(body);
  const std::string name = object["metadata"]["name"];
  if (Find(kind, name) != nullptr) return Status(409, name + " already exists");
  if (kind == Kind::Job && on_create_job) on_create_job(object);
  object["metadata"]["creationTimestamp"] = FormatTime(now);
  Put(kind, std::move(object));
  return {201, Find(kind, name)->dump(), std::nullopt};
}

Response ApiServer::Patch(Kind kind, const std::string& name, const std::string& body) {
  json patch = json::parse(body);
  json object = *Find(kind, name);
  const std::string version = patch["metadata"].value("resourceVersion", "");
  if (!version.empty() && version != object["metadata"]["resourceVersion"])
    return Status(409, "the object has been modified");
  object.merge_patch(patch);
  Put(kind, std::move(object));
  return {200, Find(kind, name)->dump(), std::nullopt};
}

void ApiServer::Print(const std::string& pod, const std::string& line, Time now) {
  logs_[pod].emplace_back(now, line);
}

// sinceTime in whole seconds, then tailLines, then limitBytes; always with time stamps
Response ApiServer::Log(const std::string& pod, const std::string& query) const {
  const auto log = logs_.find(pod);
  if (log == logs_.end()) return {200, "", std::nullopt};
  const std::string since = Value(query, "sinceTime"), tail = Value(query, "tailLines");
  const Time from = since.empty() ? Time{} : ParseTime(since).value();
  const size_t most = tail.empty() ? log->second.size() : std::stoul(tail);
  const size_t first = log->second.size() - std::min(most, log->second.size());
  std::string text;
  for (size_t i = first; i < log->second.size(); ++i) {
    const auto& [time, line] = log->second[i];
    if (time < from) continue;
    std::string stamp = FormatTime(time);
    stamp.insert(stamp.size() - 1,
                 "." + std::to_string(1000 + time.time_since_epoch().count() % 1000).substr(1));
    text += stamp + " " + line + "\n";
  }
  return {200, text.substr(0, std::stoul(Value(query, "limitBytes"))), std::nullopt};
}

Response ApiServer::List(Kind kind, const std::string& query) const {
  const std::string job_key = "job-name%3D";
  const size_t at = query.find(job_key);
  const std::string job = at == std::string::npos ? "" : query.substr(at + job_key.size());
  json list = {{"metadata", {{"resourceVersion", std::to_string(version_)}}}, {"items", json::array()}};
  for (const auto& [name, object] : objects_.at(kind)) {
    if (!job.empty() && object["metadata"]["ownerReferences"][0]["name"] != job) continue;
    if (job.empty() && !Selected(object, Value(query, "labelSelector"))) continue;
    list["items"].push_back(object);
  }
  return {200, list.dump(), std::nullopt};
}

}  // namespace imagebatch::simulation
