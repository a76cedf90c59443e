#pragma once
#include <string>

#include "registry/identity.h"
#include "support/fake_http_server.h"
#include "support/temporary_directory.h"

namespace imagebatch::testing {

/// A token server as distribution's specification has it: signed tokens that the real registry checks.
class TokenServer {
 public:
  static constexpr const char* kUser = "builder";
  static constexpr const char* kPassword = "s3cret pass";

  /// Writes its certificate into `directory`.
  explicit TokenServer(const TemporaryDirectory& directory);

  /// For DockerRegistry.
  std::string Auth() const;
  std::string Url() const { return server_.Url(); }
  size_t tokens() const { return server_.Requests().size(); }
  /// The header for who may push there.
  std::string PushAuthorization(const std::string& repository) const;

 private:
  void Serve(const HttpRequest& request, Reply& reply) const;
  std::string Token(const std::string& repository, const std::string& actions) const;

  const Identity identity_ = MakeIdentity();
  std::string file_;
  FakeHttpServer server_;
};

}  // namespace imagebatch::testing
