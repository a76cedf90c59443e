#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cli/cluster/refusal.h"
#include "kube/client.h"
#include "kube/paths.h"
#include "kube/transport.h"

namespace imagebatch::cli {

inline constexpr kube::ResourceType kBatches{"imagebatch.dev/v1alpha1", "imagebatches"};
inline constexpr kube::ResourceType kRecords{"imagebatch.dev/v1alpha1", "imagebatchrecords"};
inline constexpr kube::ResourceType kJobs{"batch/v1", "jobs"};
inline constexpr kube::ResourceType kPods{"v1", "pods"};
inline constexpr kube::ResourceType kConfigMaps{"v1", "configmaps"};

/// Which cluster, and where in it: the options that all commands have in common.
struct Where {
  std::string kubeconfig, context;  // empty: as kubectl finds them
  std::string ns;                   // empty: that of the context
  bool all_namespaces = false;
};

/// A cluster as a person reaches it. Every error is one line that says what to do.
class Cluster {
 public:
  static Result<std::unique_ptr<Cluster>> Connect(const Where& where);
  /// For tests: over any transport.
  Cluster(std::unique_ptr<kube::HttpTransport> transport, std::string ns, ClusterPlace place);

  /// Of the options or the context; empty for all.
  const std::string& ns() const { return ns_; }
  const ClusterPlace& place() const { return place_; }
  kube::ApiClient& client() { return client_; }

  /// The reply, whatever its status is; asks again a few times where the server says when to (429, 503).
  Result<kube::Response> Send(const kube::Request& request);
  /// One object; nothing where there is none of this name.
  Result<std::optional<nlohmann::json>> Find(const std::string& path);
  /// All objects of a collection. `selector`: of labels; empty: all. The order is that of the server.
  Result<std::vector<nlohmann::json>> List(const std::string& path, const std::string& selector = "");
  /// One batch of the namespace; an error where there is none, which names one that is called alike.
  Result<nlohmann::json> Batch(const std::string& name);

 private:
  std::unique_ptr<kube::HttpTransport> transport_;
  kube::RequestStats stats_;
  kube::ApiClient client_;
  const std::string ns_;
  const ClusterPlace place_;
};

inline constexpr const char* kMergePatch = "application/merge-patch+json";
inline constexpr const char* kApplyPatch = "application/apply-patch+yaml";  // JSON is YAML

/// A change of an object in the name of this program. Fields that the server does not know are an error.
kube::Request PatchRequest(const std::string& path, const nlohmann::json& patch, const char* content_type);

}  // namespace imagebatch::cli
