#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/time.h"
#include "cli/cluster/cluster.h"
#include "kube/reflector.h"

namespace imagebatch::cli {

/// One object as it changes, watched on a thread of its own until this ends. A lost connection is made again.
class Follow final : public kube::WatchSink {
 public:
  /// `cluster` must outlive it. `collection`: the path of the object's collection.
  Follow(Cluster& cluster, std::string collection, const std::string& name);
  ~Follow() override;
  Follow(const Follow&) = delete;
  Follow& operator=(const Follow&) = delete;

  struct News {
    bool gone = false;      // there is no such object (any more)
    nlohmann::json object;  // where there is: as it is now
    std::string trouble;    // not empty: nothing is seen any more, and why; it is tried again
    bool refused = false;   // with `trouble`: for lack of a right, which does not pass by itself
  };
  /// What has changed since the last call, waited for until then; nothing: nothing has.
  std::optional<News> Next(SteadyTime until);

 private:
  void OnListBegin() override;
  void OnObject(kube::Change change, std::string_view json) override;
  void OnListEnd(const std::string& resource_version) override;
  void OnBookmark(const std::string& /*resource_version*/) override {}
  void OnRestart(kube::RestartReason /*reason*/, const std::string& /*detail*/) override {}
  void OnHealth(bool healthy, const std::string& detail) override;
  void Tell(News news);

  bool listed_ = false;  // the list that runs has the object; of the reflector's thread
  Mutex mutex_;
  Condition came_;
  std::optional<News> news_ GUARDED_BY(mutex_);
  std::unique_ptr<kube::Reflector> reflector_;  // last: it ends first
};

}  // namespace imagebatch::cli
