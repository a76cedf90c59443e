#pragma once
#include "base/result.h"
#include "kube/config/config.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace imagebatch::kube {

/// Sets up a client's context: TLS 1.2 or newer, the client certificate with its chain and, where the
/// configuration has a CA, that one as the only one trusted, whatever the context trusted before. Checking
/// the server's name is left to the caller, but for tls_server_name: then the context checks that one and
/// asks for it (SNI), and calls none of the caller's callbacks while it verifies.
Result<void> ConfigureTls(ssl_ctx_st* context, const TransportConfig& config);

}  // namespace imagebatch::kube
