#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "kube/client.h"
#include "registry/inquiry.h"

namespace imagebatch::cluster {

/// Where it is said which registries may be asked, and with which logins.
struct RegistrySources {
  struct Secret {
    std::string ns, name;
  };

  registry::Hosts hosts;
  std::vector<std::filesystem::path> files;  // of the form of ~/.docker/config.json
  std::vector<Secret> secrets;               // of type kubernetes.io/dockerconfigjson

  /// "NAMESPACE/NAME"
  Result<void> AddSecret(const std::string& text);
};

/// The text of the key .dockerconfigjson in a Secret, as the API server gives it.
Result<std::string> DockerConfigIn(const std::string& secret);

/// Reads the sources at once and then every minute, on a thread of its own, so that logins may be rotated.
/// What cannot be read any more is used as it was; that it cannot is logged when it begins and when it is
/// over, never with its content.
class RegistryAccess {
 public:
  /// `set`: called from that thread, after the first look whatever it brought, and after each change.
  RegistryAccess(kube::ApiClient& client, RegistrySources sources, std::function<void(registry::Access)> set);
  ~RegistryAccess();
  RegistryAccess(const RegistryAccess&) = delete;
  RegistryAccess& operator=(const RegistryAccess&) = delete;

 private:
  void Run() EXCLUDES(mutex_);
  bool ReadAll();
  bool Keep(const std::string& source, const Result<std::string>& text);
  registry::Access Make() const;
  Result<std::string> Read(const RegistrySources::Secret& secret);

  kube::ApiClient& client_;
  const RegistrySources sources_;
  const std::function<void(registry::Access)> set_;
  std::map<std::string, std::string> texts_;     // by source, as last read
  std::map<std::string, std::string> troubles_;  // by source
  Mutex mutex_;
  Condition wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace imagebatch::cluster
