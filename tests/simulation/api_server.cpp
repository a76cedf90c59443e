#include "simulation/api_server.h"

#include <algorithm>

namespace imagebatch::simulation {
namespace {

using kube::Method;
using kube::Response;
using nlohmann::json;

Response Status(int code, const std::string& message, const char* reason = "") {
  const json status = {{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}};
  return {code, status.dump(), std::nullopt};
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
                                             {"configmaps", Kind::ConfigMap},
                                             {"imagebatchrecords", Kind::Record}};
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
      return Delete(kind->second, path.name, request.body);
    default:
      return Status(405, "method not allowed");
  }
}

Response ApiServer::Delete(Kind kind, const std::string& name, const std::string& body) {
  const json options = body.empty() ? json::object() : json::parse(body);
  const json& metadata = (*Find(kind, name))["metadata"];
  const json preconditions = options.value("preconditions", json::object());
  for (const char* key : {"uid", "resourceVersion"}) {
    if (preconditions.contains(key) && preconditions[key] != metadata[key])
      return Status(409, "the precondition does not hold", "Conflict");
  }
  if (kind == Kind::Job && on_delete_job) on_delete_job(*Find(Kind::Job, name));
  if (kind == Kind::Job && delete_job) {
    delete_job(name, options.value("propagationPolicy", "Background"));
  } else {
    Remove(kind, name);
  }
  return {200, "{}", std::nullopt};
}

Response ApiServer::Events(const kube::Request& request, const std::string& query) {
  if (request.method != Method::Get) {
    const json event = json::parse(request.body);
    const std::string name = event["metadata"]["name"];
    if (!written_events_.insert(name).second) return Status(409, name + " already exists", "AlreadyExists");
    if (on_event) on_event(event);
    return {201, "{}", std::nullopt};
  }
  const std::string selector = Value(query, "fieldSelector");
  const std::string field = "involvedObject.", value = selector.substr(selector.find("%3D") + 3);
  if (selector.starts_with(field + "kind")) return EventsOf(value == "Job" ? Kind::Job : Kind::Pod, query);
  const auto at = events.find(value);
  return {200, json{{"items", at == events.end() ? json::array() : at->second}}.dump(), std::nullopt};
}

// A token is the number of those that have been given out.
Response ApiServer::EventsOf(Kind kind, const std::string& query) const {
  json all = json::array();
  for (const auto& [name, object] : objects_.at(kind)) {
    const json uid = object["metadata"]["uid"];
    const auto at = events.find(uid);
    if (at == events.end()) continue;
    for (json event : at->second) {
      if (event.is_object()) event["involvedObject"]["uid"] = uid;
      all.push_back(std::move(event));
    }
  }
  const std::string token = Value(query, "continue");
  const size_t from = token.empty() ? 0 : std::stoul(token);
  const size_t to = std::min(all.size(), from + std::stoul(Value(query, "limit")));
  json page = {{"metadata", {{"continue", to < all.size() ? std::to_string(to) : ""}}},
               {"items", json::array()}};
  for (size_t i = from; i < to; ++i) page["items"].push_back(all[i]);
  return {200, page.dump(), std::nullopt};
}

Response ApiServer::Create(Kind kind, const std::string& body, Time now) {
  json object = json::parse(body);
  const std::string name = object["metadata"]["name"];
  if (terminating)
    return Status(403, "unable to create " + name + ", the namespace is being terminated", "Forbidden");
  if (Find(kind, name) != nullptr) return Status(409, name + " already exists", "AlreadyExists");
  if (kind == Kind::Job && on_create_job) on_create_job(object);
  object["metadata"]["creationTimestamp"] = FormatTime(now);
  Put(kind, std::move(object));
  return {201, Find(kind, name)->dump(), std::nullopt};
}

Response ApiServer::Patch(Kind kind, const std::string& name, const std::string& body) {
  const json patch = json::parse(body);
  const json& known = *Find(kind, name);
  json object = known;
  if (patch.is_array()) {  // RFC 6902
    object = object.patch(patch);
  } else {
    object.merge_patch(patch);
  }
  if (object["metadata"]["resourceVersion"] != known["metadata"]["resourceVersion"])
    return Status(409, "the object has been modified", "Conflict");
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
  text.resize(std::min(text.size(), std::stoul(Value(query, "limitBytes"))));
  return {200, text, std::nullopt, text.size()};
}

Response ApiServer::List(Kind kind, const std::string& query) const {
  json list = {{"metadata", {{"resourceVersion", std::to_string(version_)}}}, {"items", json::array()}};
  for (const auto& [name, object] : objects_.at(kind)) {
    if (!Selected(object, Value(query, "labelSelector"))) continue;
    list["items"].push_back(object);
  }
  return {200, list.dump(), std::nullopt};
}

}  // namespace imagebatch::simulation
