#include "kube/config/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "base/mask.h"
#include "base/text.h"

namespace imagebatch::kube {
namespace {

constexpr size_t kMostShown = 200;
constexpr int kAddressBits = 32;

std::string Variable(const char* upper, const char* lower) {
  for (const char* name : {upper, lower}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here changes it
    if (value != nullptr && *value != '\0') return value;
  }
  return "";
}

struct HostPort {
  std::string host, port;  // the host in lower case
};

/// Of `host`, `host:port` or a URL with them.
HostPort Split(std::string_view text) {
  const size_t scheme = text.find("://");
  const bool plain = scheme != std::string_view::npos && text.substr(0, scheme) == "http";
  if (scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find('/'));
  HostPort split;
  const size_t colon = text.rfind(':');
  split.host = text.substr(0, colon);
  if (colon != std::string_view::npos) split.port = text.substr(colon + 1);
  if (split.port.empty() && scheme != std::string_view::npos) split.port = plain ? "80" : "443";
  std::transform(split.host.begin(), split.host.end(), split.host.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  return split;
}

/// An IPv4 address in the order of the host.
std::optional<uint32_t> Address(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

/// Whether `address` is in a network such as 10.0.0.0/8.
bool InNetwork(uint32_t address, std::string_view network) {
  const size_t slash = network.find('/');
  if (slash == std::string_view::npos) return false;
  const auto base = Address(std::string(network.substr(0, slash)));
  const std::string_view length = network.substr(slash + 1);
  int bits = -1;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (!base || error != std::errc() || end != length.data() + length.size()) return false;
  if (bits < 0 || bits > kAddressBits) return false;
  const uint32_t mask = bits == 0 ? 0 : ~uint32_t{0} << (kAddressBits - bits);
  return (address & mask) == (*base & mask);
}

/// Whether one entry of NO_PROXY is about the host.
bool Names(std::string_view entry, const HostPort& server) {
  if (entry == "*") return true;
  const auto address = Address(server.host);
  if (entry.find('/') != std::string_view::npos) return address && InNetwork(*address, entry);
  HostPort wanted = Split(entry);
  if (!wanted.port.empty() && wanted.port != server.port) return false;
  std::string& host = wanted.host;
  if (host.starts_with("*.")) host.erase(0, 1);
  if (host.empty()) return false;
  if (host.front() == '.') return server.host.ends_with(host);
  return server.host == host || server.host.ends_with("." + host);
}

}  // namespace

ProxyVariables ProxiesOfEnvironment() {
  return {Variable("HTTPS_PROXY", "https_proxy"), Variable("HTTP_PROXY", "http_proxy"),
          Variable("NO_PROXY", "no_proxy")};
}

std::string ProxyFor(std::string_view server, const ProxyVariables& variables) {
  const HostPort parts = Split(server);
  const auto address = Address(parts.host);
  constexpr uint32_t kLoopback = 127;
  if (parts.host == "localhost" || (address && *address >> 24 == kLoopback)) return "";
  std::string_view left = variables.none;
  while (!left.empty()) {
    const size_t comma = std::min(left.find(','), left.size());
    std::string_view entry = left.substr(0, comma);
    left.remove_prefix(std::min(comma + 1, left.size()));
    while (entry.starts_with(' ')) entry.remove_prefix(1);
    while (entry.ends_with(' ')) entry.remove_suffix(1);
    if (!entry.empty() && Names(entry, parts)) return "";
  }
  return server.starts_with("http://") ? variables.http : variables.https;
}

Result<std::string> CheckProxy(const std::string& proxy) {
  if (proxy.empty()) return "";
  const std::string whole = proxy.find("://") == std::string::npos ? "http://" + proxy : proxy;
  const std::string shown = Printable(MaskSecrets(whole), kMostShown);
  if (!whole.starts_with("http://"))
    return Fail(
        "the proxy " + shown +
        " cannot be used: only http:// proxies can (what goes through them to an https:// server is "
        "encrypted all the same); name one in HTTPS_PROXY or proxy-url, or connect through `kubectl proxy`");
  std::string_view rest = std::string_view(whole).substr(7);
  rest = rest.substr(0, rest.find('/'));
  const size_t at = rest.rfind('@');
  if (at != std::string_view::npos) rest.remove_prefix(at + 1);
  if (rest.empty() || rest.front() == ':') return Fail("the proxy " + shown + " has no host");
  if (rest.front() == '[')
    return Fail("the proxy " + shown + ": IPv6 addresses are not supported; use a DNS name");
  return whole;
}

}  // namespace imagebatch::kube
