#pragma once
#include <sys/types.h>

#include <memory>
#include <string>

#include "kube/transport.h"
#include "registry/identity.h"
#include "support/temporary_directory.h"

namespace imagebatch::testing {

/// Debian's docker-registry on a free port of the loopback device, as long as this object lives.
class DockerRegistry {
 public:
  /// `auth`: the part of its configuration under "auth", without the indent; empty: none. `directory`: where
  /// its files are, those that `auth` names among them. `identity`: it speaks TLS.
  DockerRegistry(const TemporaryDirectory& directory, const std::string& auth,
                 const Identity* identity = nullptr);
  ~DockerRegistry();
  DockerRegistry(const DockerRegistry&) = delete;
  DockerRegistry& operator=(const DockerRegistry&) = delete;

  const std::string& host() const { return host_; }
  /// Stops it, so that nothing answers there.
  void Stop();
  /// Pushes an image of one empty layer and gives its digest. `authorization`: the header.
  std::string Push(const std::string& repository, const std::string& tag, const std::string& authorization);

 private:
  kube::Response Send(const kube::Request& request, int expected);

  std::string host_;
  pid_t pid_ = -1;
  std::unique_ptr<kube::HttpTransport> client_;
};

/// The registry's client as the controller has it.
/// `trusted`: the CA, in PEM; empty: the system's.
std::unique_ptr<kube::HttpTransport> ForeignTransport(const std::string& server,
                                                      const std::string& trusted = "");

}  // namespace imagebatch::testing
