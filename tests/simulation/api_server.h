#pragma once
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/time.h"
#include "cluster/objects/views.h"
#include "kube/transport.h"

namespace imagebatch::simulation {

/// As much of an API server as the controller talks to: objects with versions, optimistic locking, owners,
/// and what a watch would see of each change. It does not know of faults.
class ApiServer {
 public:
  enum class Kind { Batch, Job, Pod, ConfigMap, Record };
  using Watch = std::function<void(Kind kind, cluster::Change change, const nlohmann::json& object)>;

  explicit ApiServer(Watch watch) : watch_(std::move(watch)) {}

  kube::Response Handle(const kube::Request& request, Time now);

  /// Creates or replaces an object as another component would.
  void Put(Kind kind, nlohmann::json object);
  void Remove(Kind kind, const std::string& name);
  /// The version of the next change, for objects of other namespaces, which are not kept here.
  std::string NextVersion() { return std::to_string(++version_); }
  nlohmann::json* Find(Kind kind, const std::string& name);
  const std::map<std::string, nlohmann::json>& All(Kind kind) const { return objects_.at(kind); }
  cluster::Version version() const { return version_; }

  /// The namespace is being deleted: nothing can be created in it.
  bool terminating = false;

  /// A Pod prints a line; its log is there as long as it is.
  void Print(const std::string& pod, const std::string& line, Time now);
  /// The Events of an object, by its uid.
  std::map<std::string, nlohmann::json> events;
  /// Called before a Job is stored, or is deleted by the controller; for the checks.
  std::function<void(const nlohmann::json&job)> on_create_job, on_delete_job;
  /// Deletes a Job as its propagationPolicy has it; without it the Job alone is removed.
  std::function<void(const std::string& job, const std::string& policy)> delete_job;
  /// Called for each Event that is created; for the checks.
  std::function<void(const nlohmann::json& event)> on_event;

 private:
  kube::Response Events(const kube::Request& request, const std::string& query);
  kube::Response EventsOf(Kind kind, const std::string& query) const;
  kube::Response Create(Kind kind, const std::string& body, Time now);
  kube::Response Delete(Kind kind, const std::string& name, const std::string& body);
  kube::Response Patch(Kind kind, const std::string& name, const std::string& body);
  kube::Response List(Kind kind, const std::string& selector) const;
  kube::Response Log(const std::string& pod, const std::string& query) const;

  Watch watch_;
  std::set<std::string> written_events_;  // names
  std::map<Kind, std::map<std::string, nlohmann::json>> objects_{
      {Kind::Batch, {}}, {Kind::Job, {}}, {Kind::Pod, {}}, {Kind::ConfigMap, {}}, {Kind::Record, {}}};
  std::map<std::string, std::vector<std::pair<Time, std::string>>> logs_;  // by Pod, line by line
  cluster::Version version_ = 100;
  int uids_ = 0;
};

}  // namespace imagebatch::simulation
