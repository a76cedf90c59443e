#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "kube/config/config.h"

namespace imagebatch::kube {

/// What a credential plugin gives: a token, a client certificate with its key, or both.
struct Credential {
  std::string token;
  std::string client_certificate, client_key;  // PEM; both or neither
  std::optional<Time> expires;                 // nothing: not by itself
};

/// What the plugin is told in KUBERNETES_EXEC_INFO.
std::string ExecInfo(const ExecPlugin& plugin, bool interactive);

/// Reads what a plugin prints. Errors show nothing of it.
Result<Credential> ReadCredential(std::string_view output, const ExecPlugin& plugin);

/// Runs the plugin and reads what it gives, without a shell: with the environment of the process, its own and
/// KUBERNETES_EXEC_INFO. Its standard error is that of this process; its standard input too, where it may ask
/// for something and `terminal` says that there is a person. It may take as long as it wants, as with
/// kubectl: it may wait for a login in a browser.
Result<Credential> RunPlugin(const ExecPlugin& plugin, bool terminal);

}  // namespace imagebatch::kube
