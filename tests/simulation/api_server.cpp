#include "simulation/api_server.h"

namespace imagebatch::simulation {
namespace {

using kube::Method;
using kube::Response;
using nlohmann::json;

Response Status(int code, const std::string& message) {
  return {code, json{{"kind", "Status"}, {"code", code}, {"message", message}}.dump(), std::nullopt};
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
  if (path.resource == "events") return {201, "{}", std::nullopt};
  const std::map<std::string, Kind> kinds = {{"imagebatches", Kind::Batch},
                                             {"jobs", Kind::Job},
                                             {"pods", Kind::Pod},
                                             {"configmaps", Kind::ConfigMap}};
  const auto kind = kinds.find(path.resource);
  if (kind == kinds.end()) return Status(404, "no resource " + path.resource);
  if (path.subresource == "log") {
    return Find(Kind::Pod, path.name) == nullptr ? Status(404, "no Pod")
                                                 : Response{200, logs[path.name], std::nullopt};
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
      Remove(kind->second, path.name);
      return {200, "{}", std::nullopt};
    default:
      return Status(405, "method not allowed");
  }
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

Response ApiServer::List(Kind kind, const std::string& query) const {
  const std::string job_key = "job-name%3D";
  const size_t at = query.find(job_key);
  const std::string job = at == std::string::npos ? "" : query.substr(at + job_key.size());
  json list = {{"metadata", {{"resourceVersion", std::to_string(version_)}}}, {"items", json::array()}};
  for (const auto& [name, object] : objects_.at(kind)) {
    if (!job.empty() && object["metadata"]["ownerReferences"][0]["name"] != job) continue;
    if (kind == Kind::ConfigMap && !object["metadata"].contains("labels")) continue;
    list["items"].push_back(object);
  }
  return {200, list.dump(), std::nullopt};
}

}  // namespace imagebatch::simulation
