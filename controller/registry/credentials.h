#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagebatch::registry {

struct Login {
  std::string user, password;
};

/// Logins by registry and path, from files of the form of ~/.docker/config.json and Secrets of type
/// kubernetes.io/dockerconfigjson.
class Credentials {
 public:
  /// Adds what `config` has under "auths": of each a user and a password, in "auth" or by themselves. Errors
  /// name the entry, never its content. At most 1 MiB; of one key the first that was added counts.
  Result<void> Add(std::string_view config);

  /// The login for images of this repository, as the kubelet finds it: keys are host[:port][/path], whose
  /// host may have globs (`*.example.com`) and whose path is a prefix; a longer path comes first.
  std::optional<Login> Find(const std::string& registry, const std::string& repository) const;
  /// There is one for some repository of it.
  bool Know(const std::string& registry) const;
  bool Empty() const { return entries_.empty(); }

 private:
  struct Entry {
    std::string host, path;  // of its key; the path without a '/' before it
    Login login;
  };
  std::vector<Entry> entries_;  // the longest path first, and of those without a glob
};

}  // namespace imagebatch::registry
