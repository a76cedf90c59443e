#pragma once
#include <memory>

#include "base/result.h"
#include "kube/config/config.h"
#include "kube/transport.h"

namespace imagebatch::kube {

/// The transport on Microsoft's cpprestsdk: HTTP/1.1 with keep-alive for requests, a connection of its own
/// for each stream. Fails where the configuration cannot work: unreadable files, a certificate without its
/// key, an IPv6 address as the server (the library cannot connect to one). The first call fixes the number
/// of the library's threads, so nothing else may use the library before. Of the proxies in the environment
/// none is used.
Result<std::unique_ptr<HttpTransport>> MakeCpprestTransport(const TransportConfig& config);

}  // namespace imagebatch::kube
