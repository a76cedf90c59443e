#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagebatch::kube {

/// The variables that name proxies, each from its name in upper case or else in lower case.
struct ProxyVariables {
  std::string https, http;  // HTTPS_PROXY, HTTP_PROXY
  std::string none;         // NO_PROXY: hosts, domains and networks, with commas between them
};
ProxyVariables ProxiesOfEnvironment();

/// The proxy on the way to `server` as the variables have it, with the rules of Go's net/http and so of
/// kubectl: none for localhost and loopback addresses, none for what NO_PROXY names (a domain with all below
/// it,
/// `.domain` for those below it alone, an address, an IPv4 network, any of them with :port, `*` for all).
/// Empty: none.
std::string ProxyFor(std::string_view server, const ProxyVariables& variables);

/// A proxy as it is written, checked: http://[user:password@]host[:port]. Without a scheme it is taken for
/// http://. An error, which does not show the password, for another scheme: the HTTP library has none.
Result<std::string> CheckProxy(const std::string& proxy);

}  // namespace imagebatch::kube
